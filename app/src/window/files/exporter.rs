//! Renders exports on a thread of its own and hands them to the writer.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};

use super::event::FileEvent;
use super::writer::{Write, Writer};
use crate::window::export::{Export, Material, done};
use crate::window::pacer::Pacer;

/// The thread that renders.
#[derive(Clone, Debug)]
pub(super) struct Exporter {
    requests: Sender<(PathBuf, Export, Box<Material>)>,
}

impl Exporter {
    pub fn new(writer: Writer, tell: Sender<FileEvent>, pacer: Pacer) -> Self {
        let (requests, inbox) = channel::<(PathBuf, Export, Box<Material>)>();
        std::thread::spawn(move || {
            for (path, what, material) in inbox {
                match material.render(what) {
                    Ok(bytes) => {
                        let said = done(what, &path, material.model.has_weights());
                        writer.write(Write { path, bytes, said });
                    }
                    Err(error) => {
                        let _ = tell.send(FileEvent::Exported(path, Err(error)));
                        pacer.wake();
                    }
                }
            }
        });
        Self { requests }
    }

    /// Renders this and has it written to `path`.
    pub fn export(&self, path: PathBuf, what: Export, material: Box<Material>) {
        // The thread only ends with this sender.
        let _ = self.requests.send((path, what, material));
    }
}
