//! A model without its parameters' values: all that its graphs follow from, small enough to pass between processes.

use std::path::Path;

use prost::Message;

use super::constant::{Constant, Floats};
use super::decode::Decoded;
use super::fold::Budget;
use super::import::Imported;
use super::{layout, proto};
use crate::design::Fingerprint;
use crate::graph::Shape;
use crate::model_file::ModelFileError;
use crate::units::Bytes;
use crate::weights::Weights;

/// Longest outline; the largest networks of this kind take a hundredth of it.
const MOST: Bytes = Bytes(32 << 20);

/// What travels. Parameters of two axes and more have no values in it: only their shapes matter to a graph.
#[derive(Clone, PartialEq, Message)]
struct Outline {
    #[prost(message, optional, tag = "1")]
    graph: Option<proto::Graph>,
    /// Most values that all parameters together can have.
    #[prost(uint64, tag = "2")]
    parameters: u64,
    /// Channels, height and width of the input that the model was made for.
    #[prost(uint64, repeated, tag = "3")]
    image: Vec<u64>,
    #[prost(uint64, optional, tag = "4")]
    exported_batch: Option<u64>,
    #[prost(string, tag = "5")]
    input: String,
    #[prost(string, tag = "6")]
    output: String,
    #[prost(string, repeated, tag = "7")]
    notes: Vec<String>,
}

impl Imported {
    /// The model without its parameters' values; [`from_outline`](Self::from_outline) gives the same graphs.
    ///
    /// # Errors
    /// Where the model has far more nodes than any network, or its graph hangs on the values of large parameters.
    pub fn outline(&self) -> Result<Vec<u8>, ModelFileError> {
        let of = &self.decoded;
        let mut node = of.nodes.clone();
        for tensor in node.iter_mut().flat_map(|node| &mut node.attribute).filter_map(|attribute| attribute.t.as_mut())
        {
            strip(tensor);
        }
        let initializer = of.constants.iter().map(|(name, constant)| tensor(name, constant)).collect();
        let Shape { channels, height, width, .. } = of.shape;
        let outline = Outline {
            graph: Some(proto::Graph { node, initializer, ..Default::default() }),
            parameters: of.parameters as u64,
            image: [channels, height, width].map(|length| length as u64).into(),
            exported_batch: of.exported_batch.map(|batch| batch as u64),
            input: of.input.clone(),
            output: of.output.clone(),
            notes: self.notes.clone(),
        };
        if outline.encoded_len() as u64 > MOST.0 {
            return Err(self.unusable(format!("more than {MOST} are left of it without its parameters")));
        }
        let bytes = outline.encode_to_vec();
        // Whoever takes the outline does what is done here, with the same data.
        let again = Self::from_outline(&bytes, Path::new(&self.path), self.content.clone())?;
        let side = [of.shape.height, of.shape.width];
        if again.graph_for(1, side)? != self.graph_for(1, side)? {
            return Err(self.unusable("its graph hangs on the values of its parameters".into()));
        }
        Ok(bytes)
    }

    /// The model of an outline: every graph, and no weights.
    ///
    /// # Errors
    /// Where the bytes are no outline.
    pub fn from_outline(bytes: &[u8], path: &Path, content: Fingerprint) -> Result<Self, ModelFileError> {
        let shown = path.display().to_string();
        read(bytes, path, content).map_err(|reason| ModelFileError::Malformed { path: shown, reason })
    }

    fn unusable(&self, reason: String) -> ModelFileError {
        ModelFileError::Malformed { path: self.path.clone(), reason }
    }
}

fn read(bytes: &[u8], path: &Path, content: Fingerprint) -> Result<Imported, String> {
    let broken = || "its outline is broken".to_owned();
    if bytes.len() as u64 > MOST.0 {
        return Err(broken());
    }
    let Outline { graph, parameters, image, exported_batch, input, output, notes } =
        Outline::decode(bytes).map_err(|error| error.to_string())?;
    let mut graph = graph.ok_or_else(broken)?;
    let whole = |number: u64| usize::try_from(number).map_err(|_| broken());
    let parameters = whole(parameters)?;
    let lengths = image.into_iter().map(whole).collect::<Result<Vec<_>, _>>()?;
    let &[channels, height, width] = lengths.as_slice() else { return Err(broken()) };
    // A file has two bytes or more for every value, or makes some itself.
    let mut left = parameters.saturating_mul(2).saturating_add(4 * Budget::FLOATS);
    let of_nodes = graph.node.iter_mut().flat_map(|node| &mut node.attribute).filter_map(|of| of.t.as_mut());
    for tensor in graph.initializer.iter_mut().chain(of_nodes) {
        left = fill(tensor, left).ok_or_else(broken)?;
    }
    let named = |tensor: proto::Tensor| Ok((tensor.name.clone(), Constant::of(tensor, None)?));
    let is_channels_last = layout::has_channels_last(&graph.node, &input);
    let decoded = Decoded {
        nodes: graph.node,
        constants: graph.initializer.into_iter().map(named).collect::<Result<_, String>>()?,
        input,
        output,
        exported_batch: exported_batch.map(whole).transpose()?,
        is_channels_last,
        shape: Shape::new(1, channels, height, width),
        parameters,
    };
    Ok(Imported {
        path: path.display().to_string(),
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        decoded,
        weights: Weights::default(),
        content,
        notes,
    })
}

fn tensor(name: &str, constant: &Constant) -> proto::Tensor {
    let mut tensor = match constant {
        Constant::Ints(ints) => proto::Tensor {
            dims: ints.dims.iter().map(|&length| length as i64).collect(),
            data_type: proto::INT64,
            int64_data: ints.values.to_vec(),
            ..Default::default()
        },
        Constant::Floats(Floats { dims, values, .. }) => proto::Tensor {
            dims: dims.iter().map(|&length| length as i64).collect(),
            data_type: proto::FLOAT,
            float_data: if dims.len() > 1 && values.len() > 1 { vec![] } else { values.to_vec() },
            ..Default::default()
        },
        // Of no kind that is read.
        Constant::Other(_) => proto::Tensor::default(),
    };
    tensor.name = name.into();
    tensor
}

/// Takes a large parameter's values out.
fn strip(tensor: &mut proto::Tensor) {
    let is_single = tensor.dims.iter().all(|&length| length == 1);
    if tensor.data_type == proto::FLOAT && tensor.dims.len() > 1 && !is_single {
        tensor.float_data.clear();
        tensor.raw_data.clear();
    }
}

/// Puts zeros where values were taken out, `left` of them at most; how many are left.
fn fill(tensor: &mut proto::Tensor, left: usize) -> Option<usize> {
    let has_values = !tensor.raw_data.is_empty() || !tensor.float_data.is_empty();
    if tensor.data_type != proto::FLOAT || tensor.dims.len() < 2 || has_values {
        return Some(left);
    }
    let count =
        tensor.dims.iter().try_fold(1, |count: usize, &length| count.checked_mul(usize::try_from(length).ok()?))?;
    let bytes = count.checked_mul(4)?;
    let left = left.checked_sub(bytes)?;
    tensor.raw_data = vec![0; bytes];
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::super::{BatchNorm, to_onnx};
    use super::*;
    use crate::design::Batch;
    use crate::graph::lower;
    use crate::zoo;

    fn imported() -> Imported {
        let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap(), Batch(1)).unwrap();
        let bytes = to_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep).unwrap();
        Imported::from_bytes(&bytes, "folder/net.onnx").unwrap()
    }

    #[test]
    fn an_outline_is_small_and_gives_the_same_graphs() {
        let whole = imported();
        let outline = whole.outline().unwrap();
        assert!(outline.len() < 1 << 18, "{} bytes", outline.len());
        let again = Imported::from_outline(&outline, Path::new("folder/net.onnx"), whole.content().clone()).unwrap();
        for batch in [1, 8] {
            assert_eq!(again.graph_for(batch, [224, 224]).unwrap(), whole.graph_for(batch, [224, 224]).unwrap());
        }
        assert_eq!((again.name(), again.content()), (whole.name(), whole.content()));
        assert!(again.weights().is_empty());
    }

    #[test]
    fn an_outline_of_more_values_than_its_file_had_is_refused_before_they_are_made() {
        let whole = imported();
        let mut outline = Outline::decode(whole.outline().unwrap().as_slice()).unwrap();
        let graph = outline.graph.as_mut().unwrap();
        graph.initializer.iter_mut().find(|tensor| tensor.dims.len() == 4).unwrap().dims[0] = 1 << 40;
        let read = |bytes: &[u8]| Imported::from_outline(bytes, Path::new("m.onnx"), whole.content().clone());
        assert!(read(&outline.encode_to_vec()).unwrap_err().to_string().contains("broken"));
        assert!(read(b"no outline").is_err());
    }
}
