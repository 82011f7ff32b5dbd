//! Files as `torch.save` writes them, made without PyTorch: the same opcodes, the same containers.

use super::*;

/// What is pickled.
#[derive(Clone)]
pub enum Py {
    None,
    Int(i64),
    Text(&'static str),
    List(Vec<Py>),
    Dict(Vec<(String, Py)>),
    /// Keys that are numbers, as optimisers have them.
    Numbered(Vec<Py>),
    /// A tensor of this storage class; its bytes.
    Tensor(&'static str, Vec<usize>, Vec<u8>),
    Quantised(Vec<usize>),
    /// An instance with attributes.
    Instance(&'static str, &'static str, Vec<(String, Py)>),
}

pub fn dict(entries: impl IntoIterator<Item = (&'static str, Py)>) -> Py {
    Py::Dict(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// The tensors of a network, with names of one's own.
pub fn state_dict(weights: &Weights, name: impl Fn(&str) -> String) -> Py {
    Py::Dict(entries(weights, name))
}

pub fn entries(weights: &Weights, name: impl Fn(&str) -> String) -> Vec<(String, Py)> {
    let tensor = |tensor: &WeightTensor| {
        let bytes = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Py::Tensor("FloatStorage", tensor.shape.clone(), bytes)
    };
    weights.iter().map(|(of, values)| (name(of), tensor(values))).collect()
}

/// A step counter, which every batch norm has.
pub fn counter() -> Py {
    Py::Tensor("LongStorage", vec![], 7_u64.to_le_bytes().to_vec())
}

struct Writer {
    protocol: u8,
    bytes: Vec<u8>,
    /// Storage class and bytes, by key.
    storages: Vec<(&'static str, Vec<u8>)>,
}

impl Writer {
    fn text(&mut self, text: &str) {
        if self.protocol >= 4 && text.len() < 256 {
            self.bytes.extend([0x8c, text.len() as u8]);
        } else {
            self.bytes.push(b'X');
            self.bytes.extend((text.len() as u32).to_le_bytes());
        }
        self.bytes.extend(text.as_bytes());
        if self.protocol >= 4 {
            self.bytes.push(0x94);
        }
    }

    fn class(&mut self, module: &str, name: &str) {
        if self.protocol >= 4 {
            self.text(module);
            self.text(name);
            self.bytes.push(0x93);
        } else {
            self.bytes.extend(format!("c{module}\n{name}\n").as_bytes());
        }
    }

    fn number(&mut self, number: i64) {
        match i32::try_from(number) {
            Ok(small) => {
                self.bytes.push(b'J');
                self.bytes.extend(small.to_le_bytes());
            }
            Err(_) => {
                self.bytes.extend([0x8a, 8]);
                self.bytes.extend(number.to_le_bytes());
            }
        }
    }

    fn numbers(&mut self, numbers: &[usize]) {
        self.bytes.push(b'(');
        numbers.iter().for_each(|&number| self.number(number as i64));
        self.bytes.push(b't');
    }

    fn entries(&mut self, entries: &[(String, Py)]) {
        self.bytes.push(b'(');
        for (key, value) in entries {
            self.text(key);
            self.object(value);
        }
        self.bytes.push(b'u');
    }

    fn object(&mut self, object: &Py) {
        match object {
            Py::None => self.bytes.push(b'N'),
            Py::Int(number) => self.number(*number),
            Py::Text(text) => self.text(text),
            Py::List(parts) => {
                self.bytes.extend(b"](");
                parts.iter().for_each(|part| self.object(part));
                self.bytes.push(b'e');
            }
            Py::Dict(entries) => {
                self.class("collections", "OrderedDict");
                self.bytes.extend(b")R");
                self.entries(entries);
            }
            Py::Numbered(values) => {
                self.bytes.extend(b"}(");
                for (index, value) in values.iter().enumerate() {
                    self.number(index as i64);
                    self.object(value);
                }
                self.bytes.push(b'u');
            }
            Py::Tensor(class, shape, bytes) => {
                self.class("torch._utils", "_rebuild_tensor_v2");
                self.bytes.push(b'(');
                self.storage(class, bytes);
                self.view(shape);
                self.bytes.push(0x89);
                self.class("collections", "OrderedDict");
                self.bytes.extend(b")RtR");
            }
            Py::Quantised(shape) => {
                self.class("torch._utils", "_rebuild_qtensor");
                self.bytes.push(b'(');
                self.storage("QInt8Storage", &vec![0; shape.iter().product()]);
                self.view(shape);
                self.bytes.extend(b"N\x89NtR");
            }
            Py::Instance(module, name, attributes) => {
                self.class(module, name);
                self.bytes.extend(b")\x81}");
                self.entries(attributes);
                self.bytes.push(b'b');
            }
        }
    }

    /// Offset, size and strides.
    fn view(&mut self, shape: &[usize]) {
        self.number(0);
        self.numbers(shape);
        let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        self.numbers(&strides);
    }

    fn storage(&mut self, class: &'static str, bytes: &[u8]) {
        let key = self.storages.len().to_string();
        self.storages.push((class, bytes.to_vec()));
        self.bytes.push(b'(');
        self.text("storage");
        self.class("torch", class);
        self.text(&key);
        self.text("cpu");
        self.number(bytes.len() as i64);
        self.bytes.extend(b"tQ");
    }
}

/// A pickle, and the storages beside it.
fn pickled(object: &Py, protocol: u8) -> (Vec<u8>, Vec<(&'static str, Vec<u8>)>) {
    let mut writer = Writer { protocol, bytes: vec![0x80, protocol], storages: Vec::new() };
    writer.object(object);
    writer.bytes.push(b'.');
    (writer.bytes, writer.storages)
}

/// As since PyTorch 1.6.
pub fn archive(object: &Py, protocol: u8) -> Vec<u8> {
    let (pickle, storages) = pickled(object, protocol);
    archive_of(pickle, storages)
}

/// An archive with this pickle in it.
pub fn archive_of(pickle: Vec<u8>, storages: Vec<(&'static str, Vec<u8>)>) -> Vec<u8> {
    let mut entries =
        vec![("archive/data.pkl".to_owned(), pickle), ("archive/byteorder".to_owned(), b"little".to_vec())];
    let storages = storages.into_iter().enumerate();
    entries.extend(storages.map(|(key, (_, bytes))| (format!("archive/data/{key}"), bytes)));
    entries.push(("archive/version".into(), b"3\n".to_vec()));
    zip(&entries, 0)
}

/// As before PyTorch 1.6.
pub fn stream(object: &Py, protocol: u8) -> Vec<u8> {
    let (pickle, storages) = pickled(object, protocol);
    let mut bytes = vec![0x80, protocol];
    if protocol >= 4 {
        bytes.extend(b"\x95\x0d\0\0\0\0\0\0\0");
    }
    bytes.extend(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    bytes.extend(pickled(&Py::Int(1001), protocol).0);
    bytes.extend(pickled(&dict([("protocol_version", Py::Int(1001))]), protocol).0);
    bytes.extend(pickle);
    let key = |writer: &mut Writer, key: usize| writer.text(&key.to_string());
    let mut keys = Writer { protocol, bytes: vec![0x80, protocol, b']', b'('], storages: Vec::new() };
    (0..storages.len()).for_each(|index| key(&mut keys, index));
    bytes.extend(keys.bytes);
    bytes.extend(b"e.");
    for (class, content) in storages {
        let size = match class {
            "FloatStorage" => 4,
            "DoubleStorage" | "LongStorage" => 8,
            "BFloat16Storage" | "HalfStorage" => 2,
            _ => 1,
        };
        bytes.extend((content.len() as u64 / size).to_le_bytes());
        bytes.extend(content);
    }
    bytes
}

/// A zip archive of these entries; `method` is what is said of their compression.
pub fn zip(entries: &[(String, Vec<u8>)], method: u16) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let begin = bytes.len() as u32;
        let mut fields = vec![0; 4];
        fields.extend(method.to_le_bytes());
        fields.extend([0; 4]);
        fields.extend(crc32fast::hash(content).to_le_bytes());
        fields.extend([(content.len() as u32).to_le_bytes(); 2].concat());
        fields.extend([(name.len() as u16).to_le_bytes(), [0; 2]].concat());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&fields);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
        directory.extend(b"PK\x01\x02\0\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(begin.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let begin = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([(entries.len() as u16).to_le_bytes(); 2].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(begin.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}
