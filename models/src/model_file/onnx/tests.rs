//! One network in the many forms that files have, and the small models that stand for what people met.

mod cases;
mod forms;
mod quantised;
mod refused;
mod small;
mod writer;
