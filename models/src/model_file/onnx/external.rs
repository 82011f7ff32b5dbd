//! Parameters whose values lie in a file beside the model's: what PyTorch's newer exporter writes.
//!
//! Where a file says that another is read, it names a path. Only files in the model's own folder and below are opened, and no
//! more is read than they hold.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::constant::shape;
use super::elements::Element;
use super::proto::Tensor;
use crate::files::open_regular;
use crate::units::Bytes;

/// Most that is read of all other files together.
const MOST: Bytes = Bytes(2 << 30);

/// Reads what a model's tensors have in other files.
pub(super) struct Elsewhere {
    /// The model's folder; `None` where the model is no file.
    folder: Option<PathBuf>,
    open: HashMap<String, (File, u64)>,
    /// Bytes that all open files have together.
    whole: u64,
    /// Bytes that were read.
    pub read: u64,
}

impl Elsewhere {
    pub(super) fn beside(model: Option<&Path>) -> Self {
        let folder = model.and_then(Path::parent);
        let folder = folder.map(|folder| if folder.as_os_str().is_empty() { ".".into() } else { folder.to_owned() });
        Self { folder, open: HashMap::new(), whole: 0, read: 0 }
    }

    /// The bytes of the tensor; `None` where it has its values itself.
    ///
    /// # Errors
    /// Where there is no such file in the model's folder, or it is too short.
    pub(super) fn values(&mut self, tensor: &Tensor) -> Result<Option<Vec<u8>>, String> {
        let wrong = |reason: String| format!("tensor `{}`: {reason}", tensor.name);
        let (Some(folder), true) = (self.folder.clone(), tensor.data_location != 0) else { return Ok(None) };
        let get = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let location =
            get("location").ok_or_else(|| wrong("its values are in another file, which it does not name".into()))?;
        let number = |key: &str| match get(key).map(|text| text.parse::<u64>()) {
            Some(Err(_)) => Err(wrong(format!("the {key} of its values is no number"))),
            Some(Ok(number)) => Ok(Some(number)),
            None => Ok(None),
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        // What is not read as floats or small lists is not needed.
        let (_, count) = shape(tensor).map_err(wrong)?;
        let size = Element::of(tensor.data_type).map_or(0, Element::size) as u64;
        let needed = (count as u64).checked_mul(size).ok_or_else(|| wrong("is too large".into()))?;
        if length.is_some_and(|length| length != needed) {
            return Err(wrong(format!("has {} bytes in `{location}`, its shape needs {needed}", length.unwrap_or(0))));
        }
        let (file, whole) = self.file(&folder, location).map_err(|reason| {
            wrong(format!(
                "its values are in `{location}`, which cannot be read: {reason}; keep both files in one folder"
            ))
        })?;
        if offset.checked_add(needed).is_none_or(|end| end > *whole) {
            return Err(wrong(format!("`{location}` has {whole} bytes, too few for {needed} from byte {offset} on")));
        }
        let mut file = file.try_clone().map_err(|error| wrong(format!("`{location}`: {error}")))?;
        // A range that many tensors have is read for each of them.
        let most = self.whole.saturating_mul(2).min(MOST.0);
        if self.read.saturating_add(needed) > most {
            return Err(wrong(format!("more than {} are read of other files", Bytes(most))));
        }
        let mut bytes = Vec::new();
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(needed).read_to_end(&mut bytes));
        read.map_err(|error| wrong(format!("`{location}`: {error}")))?;
        self.read += needed;
        Ok(Some(bytes))
    }

    fn file(&mut self, folder: &Path, location: &str) -> Result<&(File, u64), String> {
        if !self.open.contains_key(location) {
            let path = inside(folder, location)?;
            let (file, Bytes(whole)) = open_regular(&path).map_err(|error| error.to_string())?;
            self.open.insert(location.to_owned(), (file, whole));
            self.whole = self.whole.saturating_add(whole);
        }
        self.open.get(location).ok_or_else(|| "it is not open".to_owned())
    }
}

/// The path of a file in `folder` or below, through no link to elsewhere.
fn inside(folder: &Path, location: &str) -> Result<PathBuf, String> {
    let location = Path::new(location);
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if location.as_os_str().is_empty() || !location.components().all(plain) {
        return Err("it is not in the model's folder".into());
    }
    let real = |path: &Path| path.canonicalize().map_err(|error| error.to_string());
    let path = real(&folder.join(location))?;
    if path.starts_with(real(folder)?) { Ok(path) } else { Err("it is a link out of the model's folder".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_file::onnx::proto::Entry;

    fn tensor(location: &str, offset: &str, count: i64) -> Tensor {
        let entry = |key: &str, value: &str| Entry { key: key.into(), value: value.into() };
        Tensor {
            name: "w".into(),
            dims: vec![count],
            data_type: 1,
            data_location: 1,
            external_data: vec![entry("location", location), entry("offset", offset)],
            ..Default::default()
        }
    }

    #[test]
    fn values_are_read_from_the_models_folder_and_from_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("models/net.onnx");
        std::fs::create_dir_all(folder.path().join("models/sub")).unwrap();
        std::fs::write(folder.path().join("models/sub/w.data"), [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        std::fs::write(folder.path().join("outside.data"), [0; 8]).unwrap();
        let values = |tensor: &Tensor| Elsewhere::beside(Some(&model)).values(tensor);
        assert_eq!(values(&tensor("sub/w.data", "4", 1)), Ok(Some(vec![5, 6, 7, 8])));
        let outside = folder.path().join("outside.data");
        for (location, offset, count, told) in [
            ("../outside.data", "0", 1, "not in the model's folder"),
            (outside.to_str().unwrap(), "0", 1, "not in the model's folder"),
            ("", "0", 1, "not in the model's folder"),
            ("none.data", "0", 1, "keep both files in one folder"),
            ("sub", "0", 1, "a folder"),
            ("sub/w.data", "8", 1, "8 bytes, too few for 4 from byte 8 on"),
            ("sub/w.data", "0", 1 << 62, "is too large"),
            ("sub/w.data", "x", 1, "the offset of its values is no number"),
        ] {
            let said = values(&tensor(location, offset, count)).unwrap_err();
            assert!(said.starts_with("tensor `w`") && said.contains(told), "{told}: {said}");
        }
        assert_eq!(Elsewhere::beside(None).values(&tensor("sub/w.data", "0", 1)), Ok(None), "a model that is no file");
        assert_eq!(values(&Tensor::default()), Ok(None));
    }

    #[test]
    fn one_range_is_not_read_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("w"), vec![0; 4096]).unwrap();
        let mut elsewhere = Elsewhere::beside(Some(&folder.path().join("net.onnx")));
        let read = (0..100).take_while(|_| elsewhere.values(&tensor("w", "0", 1024)).is_ok()).count();
        assert_eq!(read, 2);
    }
}
