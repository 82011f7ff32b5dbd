//! The window: the document it shows, the commands that change it, and the panels that draw it.
//!
//! Panels read a [`Scene`] and push [`Command`]s; [`App`] takes worker and file events, then carries out commands, then
//! lets the panels paint. Nothing here blocks: measuring happens in the worker process, files and dialogs on threads.

mod app;
mod camera;
mod command;
mod document;
mod export;
mod files;
mod format;
mod history;
mod live;
mod native;
mod pacer;
mod panels;
mod surroundings;
mod tab;
pub mod theme;
mod views;
mod widgets;

pub use app::{App, Notice, Scene, Setup};
pub use camera::{Camera, CameraCommand, Choice, Download, Fit, Offer, Recording, Trained};
pub use command::{Command, Commands};
pub use document::{Analysis, Document, Pinned};
pub use export::{Export, Material};
pub use live::{Freshness, Live, Phase};
pub use native::{WindowOptions, run};
pub use tab::Tab;
pub use views::View;
