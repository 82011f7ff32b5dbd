//! From an ONNX file to a graph and its weights. What is not supported is told at once.

use std::path::Path;

use super::decode::{Beside, Decoded, decode};
use super::emit::{Emitted, Parameters, emit};
use super::fold::Budget;
use super::read::{MOST_ELEMENTS, Source, read};
use super::refusals::refusals;
use super::rewrite::rewrite;
use crate::design::Fingerprint;
use crate::files::read_regular;
use crate::graph::{Graph, Shape};
use crate::model_file::ModelFileError;
use crate::units::Bytes;
use crate::weights::Weights;

/// Most that is read; ONNX files end at 2 GiB, the largest networks of this kind have a tenth of it.
const MOST: Bytes = Bytes(1 << 30);

/// Longest side of an input image; with [`MOST_ELEMENTS`] it keeps every product far from overflow.
const LONGEST_SIDE: usize = 1 << 14;

/// A model from a file: a graph for any batch (and, where the model allows it, any input size), and its weights.
#[derive(Clone, Debug)]
pub struct Imported {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) decoded: Decoded,
    pub(super) weights: Weights,
    pub(super) content: Fingerprint,
    pub(super) notes: Vec<String>,
}

/// Opens an ONNX classification model made of the operations that graphs here have.
///
/// # Errors
/// Where the file cannot be read, is damaged or something else, or does something that has no counterpart here: all of it
/// is listed.
pub fn import(path: &Path) -> Result<Imported, ModelFileError> {
    import_output(path, None)
}

/// As [`import`], with the model's output of this name in place of the classifier's.
///
/// # Errors
/// As [`import`], and where the model has no such output.
pub fn import_output(path: &Path, output: Option<&str>) -> Result<Imported, ModelFileError> {
    let name = path.display().to_string();
    let io = |source| ModelFileError::Io { path: name.clone(), source };
    let bytes = read_regular(path, MOST).map_err(io)?;
    Imported::read(&bytes, &name, Some(path), output)
}

impl Imported {
    /// As [`import`], from the file's content; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`import`], and where the model has values in other files.
    pub fn from_bytes(bytes: &[u8], path: &str) -> Result<Self, ModelFileError> {
        Self::read(bytes, path, None, None)
    }

    fn read(bytes: &[u8], path: &str, file: Option<&Path>, output: Option<&str>) -> Result<Self, ModelFileError> {
        let (decoded, Beside { name, content, note }) =
            decode(bytes, file, output).map_err(|reason| malformed(path, reason))?;
        let stem = Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let mut imported = Self {
            path: path.into(),
            name: stem.unwrap_or(name),
            decoded,
            weights: Weights::default(),
            content,
            notes: note.into_iter().collect(),
        };
        let (_, weights, notes) = imported.convert(imported.input_shape(), Parameters::Keep)?;
        imported.weights = weights;
        imported.notes.extend(notes);
        Ok(imported)
    }

    /// The file's name without its ending.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A short name for the file's bytes, and for those of the files beside it that have its values.
    #[must_use]
    pub fn content(&self) -> &Fingerprint {
        &self.content
    }

    /// Shape of the input that the model was made for, `[1, channels, height, width]`.
    #[must_use]
    pub fn input_shape(&self) -> Shape {
        self.decoded.shape
    }

    /// What is otherwise than in the file, for people: what was left out at its end, which output was taken.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The parameters, by the names that [`graph_for`](Self::graph_for)'s layers have.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The graph for this many images of this height and width.
    ///
    /// # Errors
    /// Where the model is made for another input size.
    pub fn graph_for(&self, batch: usize, [height, width]: [usize; 2]) -> Result<Graph, ModelFileError> {
        Ok(self.convert(Shape { batch, height, width, ..self.decoded.shape }, Parameters::Count)?.0)
    }

    fn convert(&self, input: Shape, parameters: Parameters) -> Result<(Graph, Weights, Vec<String>), ModelFileError> {
        let Decoded {
            nodes, constants, input: entry, output, exported_batch, is_channels_last, parameters: most, ..
        } = &self.decoded;
        // Steps are for the batch of the file, where reshapes name it; layers are for any.
        let own = Shape { batch: exported_batch.unwrap_or(1), ..input };
        self.check(input)?;
        self.check(own)?;
        let source = Source { nodes, constants, input: entry, output, parameters: *most };
        let mut draft = read(source, own, *is_channels_last).map_err(|reason| malformed(&self.path, reason))?;
        let mut notes = rewrite(&mut draft);
        if *is_channels_last {
            notes.push(
                "its pictures are [n, height, width, channels]; here they are [n, channels, height, width]".into(),
            );
        }
        let layer = |source| ModelFileError::Layer { path: self.path.clone(), source };
        let known = (most.saturating_add(Budget::FLOATS), parameters);
        let Emitted { graph, weights, refused, ends } =
            emit(&draft, (&self.name, input), *is_channels_last, constants, known).map_err(layer)?;
        if !refused.is_empty() {
            return Err(ModelFileError::Unsupported { path: self.path.clone(), nodes: refusals(&draft, &refused) });
        }
        if !ends {
            return Err(malformed(&self.path, format!("its output `{output}` is not the result of a last layer")));
        }
        Ok((graph, weights, notes))
    }

    /// Refuses inputs of sizes that no picture has.
    fn check(&self, input: Shape) -> Result<(), ModelFileError> {
        let shape = <[usize; 4]>::from(input);
        let fits = shape.into_iter().all(|length| (1..=LONGEST_SIDE).contains(&length));
        if fits && input.elements().0 <= MOST_ELEMENTS {
            return Ok(());
        }
        let reason = format!(
            "its input is {shape:?}: batch, channels and sides up to {LONGEST_SIDE} and {MOST_ELEMENTS} values in all are read"
        );
        Err(malformed(&self.path, reason))
    }
}

fn malformed(path: &str, reason: String) -> ModelFileError {
    ModelFileError::Malformed { path: path.into(), reason }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use prost::Message;

    use super::super::attributes::int;
    use super::super::proto;
    use super::super::{BatchNorm, to_onnx};
    use super::*;
    use crate::graph::{Activation, Conv2d, GraphBuilder, Op, Window};
    use crate::model_file::pytorch::to_pytorch;

    /// One pooling of a `side` x `side` image that rounds its output up; what it makes of another image.
    fn rounded_up(op: impl Fn(Window) -> Op, side: usize) -> Result<Shape, String> {
        let mut builder = GraphBuilder::new("net", Shape::new(1, 3, side, side));
        builder.push("pool", op(Window::inside(3, 2)), &[builder.input()]).unwrap();
        let bytes = to_onnx(&builder.finish(), &Weights::default(), BatchNorm::Keep).unwrap();
        let mut model = proto::Model::decode(bytes.as_slice()).unwrap();
        for node in &mut model.graph.as_mut().unwrap().node {
            node.attribute.push(int("ceil_mode", 1));
        }
        let imported = Imported::from_bytes(&model.encode_to_vec(), "m.onnx").map_err(|error| error.to_string())?;
        let graph = imported.graph_for(2, [side + 1, side]).map_err(|error| error.to_string())?;
        Ok(graph.node(graph.output()).output)
    }

    #[test]
    fn max_pooling_that_rounds_up_fits_its_padding_to_every_input_size() {
        assert_eq!(rounded_up(Op::MaxPool, 8), Ok(Shape::new(2, 3, 4, 4)));
        assert_eq!(rounded_up(Op::MaxPool, 9), Ok(Shape::new(2, 3, 5, 4)));
    }

    #[test]
    fn average_pooling_that_rounds_up_is_read_for_every_input_size() {
        assert_eq!(rounded_up(Op::AvgPool, 8), Ok(Shape::new(2, 3, 4, 4)));
        assert_eq!(rounded_up(Op::AvgPool, 9), Ok(Shape::new(2, 3, 5, 4)));
    }

    /// Layer after layer, convolutions and activations by turns, at these paths.
    fn chain(paths: &[&str]) -> (Graph, Weights) {
        let conv = Conv2d { in_channels: 3, out_channels: 3, window: Window::square(3, 1), groups: 1, bias: true };
        let mut builder = GraphBuilder::new("net", Shape::new(1, 3, 8, 8));
        let mut value = builder.input();
        for (index, path) in paths.iter().enumerate() {
            let op = if index % 2 == 0 { Op::Conv2d(conv) } else { Op::Activation(Activation::Relu6) };
            value = builder.push(*path, op, &[value]).unwrap();
        }
        let graph = builder.finish();
        let weights = Weights::seeded(&graph, 1);
        (graph, weights)
    }

    /// The model of a graph, changed.
    fn model_of((graph, weights): &(Graph, Weights), change: impl Fn(&mut proto::Graph)) -> Vec<u8> {
        let bytes = to_onnx(graph, weights, BatchNorm::Keep).unwrap();
        let mut model = proto::Model::decode(bytes.as_slice()).unwrap();
        change(model.graph.as_mut().unwrap());
        model.encode_to_vec()
    }

    #[test]
    fn a_function_after_a_module_of_its_own_keeps_that_module_in_pytorch() {
        // As PyTorch exports `F.relu6(self.conv(x))` of a module `conv1`, the batch normalisation folded.
        let bytes = model_of(&chain(&["a", "b"]), |graph| {
            for node in &mut graph.node {
                let ours = node.name.clone();
                node.name = if ours == "a" { "/conv1/conv/Conv".into() } else { "/conv1/Clip".into() };
                for name in &mut node.input {
                    *name = name.replace("a.weight", "onnx::Conv_5").replace("a.bias", "onnx::Conv_6");
                }
            }
            for tensor in &mut graph.initializer {
                tensor.name = tensor.name.replace("a.weight", "onnx::Conv_5").replace("a.bias", "onnx::Conv_6");
            }
        });
        let imported = Imported::from_bytes(&bytes, "m.onnx").unwrap();
        assert!(imported.weights().iter().map(|(name, _)| name).eq(["conv1.conv.bias", "conv1.conv.weight"]));
        let source = to_pytorch(&imported.graph_for(1, [8, 8]).unwrap()).unwrap();
        assert!(source.contains("        x = self.conv1.conv(x)\n        return self.conv1.clip(x)\n"), "{source}");
    }

    #[test]
    fn whatever_layers_are_called_every_form_of_the_model_has_the_same_names_and_none_twice() {
        let odd =
            ["forward", "training", "lambda", "block.type", "a-b", "a_b", "0", "é", "conv1", "conv1.0", "x.__init__"];
        let names: Vec<String> = odd.iter().flat_map(|name| [(*name).to_owned(), format!("{name}.relu")]).collect();
        let ours = chain(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let refused = to_pytorch(&ours.0).unwrap_err().to_string();
        assert_eq!(refused, "layer `forward`: modules of PyTorch are not called so; `forward_` is possible");
        let imported = Imported::from_bytes(&model_of(&ours, |_| {}), "m.onnx").unwrap();
        let graph = imported.graph_for(1, [8, 8]).unwrap();
        let source = to_pytorch(&graph).unwrap();
        for line in [
            "self.forward_ = nn.Conv2d(3, 3, 3, padding=1)",
            "self.training_ = nn.Conv2d(3, 3, 3, padding=1)",
            "setattr(self, \"lambda\", nn.Conv2d(3, 3, 3, padding=1))",
            "self.block.type_ = nn.Conv2d(3, 3, 3, padding=1)",
            "self.a_b_1 = nn.Conv2d(3, 3, 3, padding=1)",
            "self.layer0.relu = nn.ReLU6()",
            "setattr(self.conv1, \"0\", nn.Conv2d(3, 3, 3, padding=1))",
            "x = getattr(self.conv1, \"0\")(x)",
            "self.x.layer__init__ = nn.Conv2d(3, 3, 3, padding=1)",
        ] {
            assert!(source.contains(&format!("        {line}\n")), "{line}:\n{source}");
        }
        let again = to_onnx(&graph, imported.weights(), BatchNorm::Keep).unwrap();
        let again = Imported::from_bytes(&again, "m.onnx").unwrap();
        assert_eq!(again.weights(), imported.weights());
    }

    #[test]
    fn values_and_parameters_of_a_written_model_have_names_of_their_own() {
        let ours = chain(&["conv", "conv.weight", "logits", "conv.bias", "act.min", "act", "last", "logits.map"]);
        let bytes = model_of(&ours, |graph| {
            let made = graph.node.iter().flat_map(|node| &node.output);
            let names: Vec<&String> = made.chain(graph.initializer.iter().map(|tensor| &tensor.name)).collect();
            let different: HashSet<&&String> = names.iter().collect();
            assert_eq!(different.len(), names.len(), "{names:?}");
        });
        let weights = Imported::from_bytes(&bytes, "m.onnx").unwrap().weights().clone();
        assert_eq!(weights.get("conv.weight"), ours.1.get("conv.weight"));
        assert_eq!(weights.len(), ours.1.len());
    }
}
