//! The steps of a network in 8 bits: what each reads and writes, and in which order they may run.

use std::ops::Range;

use super::lanes::{Lane, Place, Reads, Word, by_lane, fresh};
use super::model::Model;
use crate::graph::{Graph, NodeId, Op, Shape};
use crate::runtime::cpu::algorithm::{CpuFuses, is_linear};
use crate::runtime::plan::{Planned, Pooling, Step, Work, partition, renames};
use crate::runtime::{Fusing, Precision};

/// A list of words with their maps' size.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub words: Vec<Word>,
    /// `[height, width]`
    pub size: [usize; 2],
}

/// What a step does.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Makes bytes of the network's input.
    Quantize,
    /// Makes bytes of one value those of another that is the same numbers.
    Convert {
        /// The value that it reads.
        from: NodeId,
        /// The value that it makes.
        to: NodeId,
    },
    /// Brings channels into other words: for each byte of them where it comes from.
    Repack(Vec<Option<(usize, u8)>>),
    /// A kernel.
    Kernel(Box<Kernel>),
}

/// A kernel with the places of its channels.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    pub planned: Planned,
    pub how: Way,
    /// Its input's channels.
    pub reads: Reads,
    /// Where those of its first step are, in the words that it makes.
    pub places: Vec<Place>,
    /// Where the output's are: those of its last step, in as many words.
    pub stored: Vec<Place>,
    /// The value whose bytes it writes in place of those of its own, which nobody else reads.
    pub converts_to: Option<NodeId>,
}

/// How a kernel is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As a matrix product.
    Product,
    /// As a product of one pixel.
    Linear,
    /// Channel by channel, in the words of its input.
    ByChannel,
}

/// A step with everything that it depends on.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub kind: Kind,
    pub reads: Vec<Operand>,
    pub writes: Operand,
}

/// All steps, phase by phase, and where values are.
#[derive(Debug)]
pub(super) struct Schedule {
    pub tasks: Vec<Task>,
    pub phases: Vec<Range<usize>>,
    /// Pixels of every row.
    pub rows: Vec<usize>,
    /// The network's input in floats, its rows in order.
    pub input: Vec<Word>,
    /// Where each channel of the result is: a byte of a word, or all of it where the result is floats.
    pub output: Vec<Lane>,
}

/// Steps under construction.
struct Planner<'a> {
    graph: &'a Graph,
    batch: usize,
    rows: Vec<usize>,
    /// The phase from which on a row may be read; of the first image's rows.
    ready: Vec<usize>,
    /// Where the channels of each node's value are.
    lanes: Vec<Vec<Lane>>,
    /// By node, whether they are bytes of the list that reads them.
    converted: Vec<bool>,
    tasks: Vec<(usize, Task)>,
    /// What says how bytes stand for numbers; without it they do so everywhere alike.
    model: Option<&'a Model>,
}

impl Schedule {
    /// The steps that compute `batch` images.
    pub fn of(graph: &Graph, fusing: Fusing, batch: usize, model: Option<&Model>) -> Self {
        let mut planner = Planner {
            graph,
            batch,
            rows: Vec::new(),
            ready: Vec::new(),
            lanes: Vec::new(),
            converted: vec![false; graph.nodes().len()],
            tasks: Vec::new(),
            model,
        };
        let input = planner.quantize();
        let kernels = partition(graph, fusing, Precision::Int8, &CpuFuses);
        let mut kernel_of = vec![None; graph.nodes().len()];
        for kernel in kernels {
            let value = kernel.value.0;
            kernel_of[value] = Some(kernel);
        }
        for (index, node) in graph.nodes().iter().enumerate().skip(1) {
            let lanes = match kernel_of[index].take() {
                Some(kernel) => planner.kernel(kernel),
                None if renames(&node.op) => planner.renamed(index),
                // Nobody reads what stays inside a kernel.
                None => Vec::new(),
            };
            planner.lanes.push(lanes);
        }
        let output = planner.lanes.swap_remove(graph.output().0);
        let mut tasks = planner.tasks;
        tasks.sort_by_key(|(level, _)| *level);
        let mut phases: Vec<Range<usize>> = Vec::new();
        for (index, (level, _)) in tasks.iter().enumerate() {
            match phases.get_mut(*level) {
                Some(phase) => phase.end = index + 1,
                None => phases.push(index..index + 1),
            }
        }
        let tasks = tasks.into_iter().map(|(_, task)| task).collect();
        Self { tasks, phases, rows: planner.rows, input, output }
    }

    /// The kernels in the order that they run in.
    pub fn kernels(&self) -> impl Iterator<Item = &Kernel> {
        self.tasks.iter().filter_map(|task| match &task.kind {
            Kind::Kernel(kernel) => Some(&**kernel),
            Kind::Quantize | Kind::Convert { .. } | Kind::Repack(_) => None,
        })
    }
}

impl Planner<'_> {
    /// New words for each image, of so many pixels.
    fn make(&mut self, words: usize, pixels: usize) -> Vec<Word> {
        let first = self.rows.len();
        let count = words.saturating_mul(self.batch);
        self.rows.resize(first.saturating_add(count), pixels);
        self.ready.resize(self.rows.len(), 0);
        (first..first + words).map(|row| Word { row, stride: words, pixel: 0 }).collect()
    }

    /// Adds a step; its output is there from the next phase on.
    fn push(&mut self, kind: Kind, reads: Vec<Operand>, writes: Operand) {
        let read = reads.iter().flat_map(|operand| &operand.words);
        let level = read.map(|word| self.ready[word.row]).max().unwrap_or(0);
        writes.words.iter().for_each(|word| self.ready[word.row] = level + 1);
        self.tasks.push((level, Task { kind, reads, writes }));
    }

    fn operand(&self, node: NodeId, words: Vec<Word>) -> Operand {
        let Shape { height, width, .. } = self.graph.node(node).output;
        Operand { words, size: [height, width] }
    }

    /// The input's floats and, as the first step, its bytes.
    fn quantize(&mut self) -> Vec<Word> {
        let shape = self.graph.input_shape();
        let floats = self.make(shape.channels, shape.pixels());
        let places = fresh(shape.channels, 1);
        let words = self.make(shape.channels.div_ceil(4), shape.pixels());
        self.lanes.push(lanes(&places, &words));
        let (from, to) = (self.operand(NodeId(0), floats.clone()), self.operand(NodeId(0), words));
        self.push(Kind::Quantize, vec![from], to);
        floats
    }

    fn kernel(&mut self, planned: Planned) -> Vec<Lane> {
        let step = planned.spec.steps[0];
        let last = planned.spec.steps[planned.spec.steps.len() - 1];
        let reads = Reads::of(&self.lanes[planned.reads[0].0]);
        let how = way(planned.spec.input, &step);
        let groups = if let Work::Conv { groups, .. } = step.work { groups } else { 1 };
        let value = planned.value;
        let is_result = self.model.is_some_and(|model| model.ends_in_floats) && value == self.graph.output();
        let places = match how {
            Way::ByChannel => reads.places.clone(),
            // A float is a word.
            Way::Linear if is_result => (0..step.output.channels).map(|word| Place { word, lane: 0 }).collect(),
            Way::Linear | Way::Product => fresh(step.output.channels, groups),
        };
        let count = match how {
            Way::ByChannel => reads.words.len(),
            _ => places.iter().map(|place| place.word + 1).max().unwrap_or(0),
        };
        let mut operands = vec![self.operand(planned.reads[0], reads.words.clone())];
        if let Some(&second) = planned.reads.get(1) {
            // What is added to a convolution's words lies as they do.
            let words = self.beside((&places, count), second);
            operands.push(self.operand(second, words));
        }
        let words = self.make(count, last.output.pixels());
        let stored = self.followed(&planned, &places);
        let lanes = lanes(&stored, &words);
        let writes = self.operand(value, words);
        let read = planned.parts.last().map_or(planned.reads[0], |part| self.graph.node(part.node).inputs[0]);
        let is_largest = matches!(last.work, Work::Pool { pooling: Pooling::Max, .. } | Work::GlobalMax);
        let is_product = matches!(how, Way::Product) && planned.spec.steps.len() == 1;
        let converts_to = if is_product { self.only_list(value) } else { None };
        self.converted[value.0] = converts_to.is_some();
        self.push(
            Kind::Kernel(Box::new(Kernel { planned, how, reads, places, stored, converts_to })),
            operands,
            writes,
        );
        // The largest of bytes stands for numbers as they do.
        if is_largest { self.convert((read, value), lanes) } else { lanes }
    }

    /// Where the channels of a kernel's last step are, in the words of its first one's, which have `places`.
    fn followed(&self, planned: &Planned, places: &[Place]) -> Vec<Place> {
        let read = planned.parts.get(1).map(|next| &self.graph.node(self.graph.node(next.node).inputs[0]).op);
        match read {
            Some(&Op::ChannelShuffle { groups }) => shuffled(places, groups),
            _ => places.to_vec(),
        }
    }

    /// The concatenation that alone reads a value and whose bytes stand for numbers otherwise.
    fn only_list(&self, value: NodeId) -> Option<NodeId> {
        let mut readers = self.graph.layers().filter(|(_, node)| node.inputs.contains(&value));
        let (reader, node) = readers.next()?;
        let is_only = readers.next().is_none() && node.op == Op::Concat;
        let counts_once = node.inputs.iter().filter(|&&input| input == value).count() == 1;
        (is_only && counts_once && self.model?.converts(value, reader)).then_some(reader)
    }

    /// The channels `lanes` of the value `from` as bytes of `to`: others where bytes stand for numbers otherwise there.
    fn convert(&mut self, (from, to): (NodeId, NodeId), lanes: Vec<Lane>) -> Vec<Lane> {
        if !self.model.is_some_and(|model| model.converts(from, to)) {
            return lanes;
        }
        let reads = Reads::of(&lanes);
        let shape = self.graph.node(to).output;
        // Of flattened maps each channel is one pixel of a row; a step reads whole rows.
        let words = self.make(reads.words.len(), shape.pixels());
        let made = self::lanes(&reads.places, &words);
        let size = [shape.height, shape.width];
        let (read, written) = (Operand { words: reads.words, size }, Operand { words, size });
        self.push(Kind::Convert { from, to }, vec![read], written);
        made
    }

    /// The words of a second operand, its channels in `places` of so many words; brought there if need be.
    fn beside(&mut self, (places, count): (&[Place], usize), second: NodeId) -> Vec<Word> {
        let reads = Reads::of(&self.lanes[second.0]);
        if reads.words.len() == count && reads.places == places {
            return reads.words;
        }
        let channels = by_lane(places, count);
        let source = |channel: usize| (reads.places[channel].word, reads.places[channel].lane);
        let sources = channels.into_iter().map(|channel| channel.map(source)).collect();
        let words = self.make(count, self.graph.node(second).output.pixels());
        let (from, to) = (self.operand(second, reads.words.clone()), self.operand(second, words.clone()));
        self.push(Kind::Repack(sources), vec![from], to);
        words
    }

    /// The channels of a value that is another name for those of others.
    fn renamed(&mut self, index: usize) -> Vec<Lane> {
        let node = &self.graph.nodes()[index];
        let to = NodeId(index);
        if node.inputs.iter().any(|input| self.lanes[input.0].is_empty()) {
            // Inside a kernel.
            return Vec::new();
        }
        if node.op == Op::Concat {
            let part = |input: &NodeId| {
                let lanes = self.lanes[input.0].clone();
                if self.converted[input.0] { lanes } else { self.convert((*input, to), lanes) }
            };
            return node.inputs.iter().flat_map(part).collect();
        }
        let lanes = self.named(index);
        node.inputs.first().map_or_else(Vec::new, |&input| self.convert((input, to), lanes))
    }

    fn named(&self, index: usize) -> Vec<Lane> {
        let node = &self.graph.nodes()[index];
        let of = |input: usize| self.lanes[node.inputs[input].0].as_slice();
        match node.op {
            Op::Slice { start, channels } => of(0)[start..start + channels].to_vec(),
            Op::ChannelShuffle { groups } => shuffled(of(0), groups),
            Op::Repeat { channels } => of(0).iter().flat_map(|&lane| std::iter::repeat_n(lane, channels)).collect(),
            Op::Flatten => {
                let pixels = self.graph.node(node.inputs[0]).output.pixels();
                let spread = |&Lane { word, lane }: &Lane| {
                    (0..pixels).map(move |pixel| Lane { word: Word { pixel: word.pixel + pixel, ..word }, lane })
                };
                of(0).iter().flat_map(spread).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What a channel shuffle makes of a list of channels.
fn shuffled<T: Copy>(from: &[T], groups: usize) -> Vec<T> {
    let width = from.len() / groups;
    (0..from.len()).map(|channel| from[channel % groups * width + channel / groups]).collect()
}

fn lanes(places: &[Place], words: &[Word]) -> Vec<Lane> {
    places.iter().map(|place| Lane { word: words[place.word], lane: place.lane }).collect()
}

fn way(input: Shape, step: &Step) -> Way {
    match step.work {
        Work::Linear => Way::Linear,
        Work::Conv { .. } if step.work.is_depthwise(input, step.output) => Way::ByChannel,
        Work::Conv { window, groups: 1 } if is_linear(window, input, step.output) => Way::Linear,
        Work::Conv { .. } => Way::Product,
        _ => Way::ByChannel,
    }
}
