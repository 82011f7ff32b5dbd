//! Names in any script: fonts of the system for what the window's own lack, looked for on a thread and only when a
//! character is missing; and words that are read from the right, in their order.

mod coverage;
mod folders;
mod reading_order;
mod search;
mod system;

pub use folders::FontFolders;
pub use reading_order::reading_order;
pub use system::SystemFonts;
