//! Which fields of a model are decoded, and what they are made into.

use super::super::proto;

/// What can stand in a file more often than its length lets one think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    Nodes,
    Attributes,
    Tensors,
    Values,
    Axes,
    Edges,
    OperatorSets,
    Numbers,
    Places,
}

impl Count {
    pub(super) const ALL: [Self; 9] = [
        Self::Nodes,
        Self::Attributes,
        Self::Tensors,
        Self::Values,
        Self::Axes,
        Self::Edges,
        Self::OperatorSets,
        Self::Numbers,
        Self::Places,
    ];

    /// What is counted, and the most of it that is read. The largest classifiers have some 10,000 nodes.
    pub(super) const fn most(self) -> (&'static str, u64) {
        match self {
            Self::Nodes => ("nodes", 1 << 15),
            Self::Attributes => ("attributes of nodes", 1 << 17),
            Self::Tensors => ("tensors", 1 << 16),
            Self::Values => ("inputs and outputs of the graph", 1 << 16),
            Self::Axes => ("axes of inputs and outputs", 1 << 18),
            Self::Edges => ("inputs and outputs of nodes", 1 << 18),
            Self::OperatorSets => ("operator sets", 1 << 10),
            Self::Numbers => ("whole numbers in lists", 1 << 22),
            Self::Places => ("places in other files", 1 << 18),
        }
    }
}

/// What a field is made into.
pub(super) enum Field {
    /// One of many messages, each of this many bytes in memory.
    Each(Count, &'static Message, usize),
    /// A message that is there once.
    Only(&'static Message),
    /// One of many names.
    Names(Count),
    /// A name.
    Name,
    /// Bytes that stay bytes.
    Bytes,
    /// Whole numbers, each by itself or packed together.
    Integers,
    /// 32-bit floats, each by itself or packed together.
    Floats,
    /// 64-bit floats, each by itself or packed together.
    Doubles,
}

/// The fields of a message that are decoded, by number; everything else is skipped there and here.
pub(super) struct Message {
    pub(super) name: &'static str,
    pub(super) fields: &'static [(u64, Field)],
}

/// The whole file. Messages contain each other in no circle, so that nothing nests deeper than this.
pub(super) static MODEL: Message = Message {
    name: "Model",
    fields: &[
        (2, Field::Bytes),
        (3, Field::Bytes),
        (6, Field::Bytes),
        (7, Field::Only(&GRAPH)),
        (8, Field::Each(Count::OperatorSets, &OPERATOR_SET, size_of::<proto::OperatorSet>())),
    ],
};

static OPERATOR_SET: Message = Message { name: "OperatorSet", fields: &[(1, Field::Name)] };
static GRAPH: Message = Message {
    name: "Graph",
    fields: &[
        (1, Field::Each(Count::Nodes, &NODE, size_of::<proto::Node>())),
        (2, Field::Name),
        (5, Field::Each(Count::Tensors, &TENSOR, size_of::<proto::Tensor>())),
        (11, Field::Each(Count::Values, &VALUE, size_of::<proto::ValueInfo>())),
        (12, Field::Each(Count::Values, &VALUE, size_of::<proto::ValueInfo>())),
    ],
};
static NODE: Message = Message {
    name: "Node",
    fields: &[
        (1, Field::Names(Count::Edges)),
        (2, Field::Names(Count::Edges)),
        (3, Field::Name),
        (4, Field::Name),
        (5, Field::Each(Count::Attributes, &ATTRIBUTE, size_of::<proto::Attribute>())),
        (7, Field::Name),
    ],
};
static ATTRIBUTE: Message = Message {
    name: "Attribute",
    fields: &[(1, Field::Name), (4, Field::Bytes), (5, Field::Only(&TENSOR)), (7, Field::Floats), (8, Field::Integers)],
};
static TENSOR: Message = Message {
    name: "Tensor",
    fields: &[
        (1, Field::Integers),
        (4, Field::Floats),
        (5, Field::Integers),
        (7, Field::Integers),
        (8, Field::Name),
        (9, Field::Bytes),
        (10, Field::Doubles),
        (11, Field::Integers),
        (13, Field::Each(Count::Places, &ENTRY, size_of::<proto::Entry>())),
    ],
};
static ENTRY: Message = Message { name: "StringStringEntry", fields: &[(1, Field::Name), (2, Field::Name)] };
static VALUE: Message = Message { name: "ValueInfo", fields: &[(1, Field::Name), (2, Field::Only(&TYPE))] };
static TYPE: Message = Message { name: "Type", fields: &[(1, Field::Only(&TENSOR_TYPE))] };
static TENSOR_TYPE: Message = Message { name: "TensorType", fields: &[(2, Field::Only(&SHAPE))] };
static SHAPE: Message =
    Message { name: "TensorShape", fields: &[(1, Field::Each(Count::Axes, &AXIS, size_of::<proto::Dimension>()))] };
static AXIS: Message = Message { name: "Dimension", fields: &[(2, Field::Name)] };
