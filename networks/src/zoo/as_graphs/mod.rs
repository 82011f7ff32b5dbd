//! Networks that are designs, written layer by layer as well: each design has to mean exactly this graph.

mod igcv3;
mod resnet;
mod tests;
mod xception_small;
