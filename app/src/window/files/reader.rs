//! Has files of others read, and exports rendered, in processes that can be ended.

use std::ffi::OsStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use shufflescope_engine::model::Model;
use shufflescope_engine::weights::Weights;

use super::event::{FileEvent, Opened, Place};
use super::writer::{Write, Writer};
use crate::export::{Export, Material};
use crate::reader::{Answer, Handle, Readers, Reply, Request};
use crate::window::pacer::Pacer;

/// Exports that are rendered at once, at most; every one may take much memory.
const MOST_EXPORTS: usize = 4;

/// What lasts shorter than this is not worth a line on the screen.
const NOTABLE: Duration = Duration::from_millis(300);

/// Something that a reader does.
#[derive(Debug)]
pub struct Errand {
    /// Which one it is.
    pub id: u64,
    what: Doing,
    path: PathBuf,
    since: Instant,
    /// Files that were being read for the same place when this one was asked for.
    given_up: Vec<PathBuf>,
    _process: Handle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Open(Place),
    Export,
}

impl Errand {
    /// What is done.
    #[must_use]
    pub fn name(&self) -> String {
        let doing = match self.what {
            Doing::Open(_) => "Reading",
            Doing::Export => "Exporting to",
        };
        format!("{doing} {}", file_name(&self.path))
    }

    /// What is done and since when, once it has taken long enough to be worth saying.
    #[must_use]
    pub fn progress(&self) -> Option<String> {
        let elapsed = self.since.elapsed();
        (elapsed >= NOTABLE).then(|| format!("{}: {} s", self.name(), elapsed.as_secs()))
    }
}

/// Starts readers and takes what they bring.
#[derive(Debug)]
pub(super) struct Reader {
    readers: Readers,
    errands: Vec<Errand>,
    next: u64,
    writer: Writer,
    tell: Sender<FileEvent>,
    pacer: Pacer,
}

impl Reader {
    pub fn new(readers: Readers, writer: Writer, tell: Sender<FileEvent>, pacer: Pacer) -> Self {
        Self { readers, errands: Vec::new(), next: 0, writer, tell, pacer }
    }

    /// What is being done.
    pub fn errands(&self) -> &[Errand] {
        &self.errands
    }

    /// Whether exports are being rendered.
    pub fn is_exporting(&self) -> bool {
        self.errands.iter().any(|errand| errand.what == Doing::Export)
    }

    /// Reads a design file, a saved profile or an ONNX model. What was being read for the same place is given up.
    pub fn open(&mut self, place: Place, path: PathBuf) {
        let what = Doing::Open(place);
        let (older, others) = std::mem::take(&mut self.errands).into_iter().partition(|errand| errand.what == what);
        self.errands = others;
        let mut given_up = Vec::new();
        for Errand { path: other, given_up: earlier, .. } in older {
            given_up.extend(earlier);
            given_up.push(other);
        }
        given_up.retain(|other| *other != path);
        let request = Request::Open(path.clone().into_os_string());
        let opening = path.clone();
        let understand = move |reply: Reply| opened(&opening, reply);
        self.start(what, path, given_up, request, move |id, result, tell| {
            let _ = tell.send(FileEvent::Read(id, result.and_then(understand)));
        });
    }

    /// Renders this and has it written to `path`.
    pub fn export(&mut self, path: PathBuf, what: Export, material: Box<Material>) {
        if self.errands.iter().filter(|errand| errand.what == Doing::Export).count() >= MOST_EXPORTS {
            let reason = format!("{MOST_EXPORTS} other files are still being written: wait for them, or cancel one.");
            let _ = self.tell.send(FileEvent::Exported(path, Err(reason)));
            return;
        }
        let (writer, to) = (self.writer.clone(), path.clone());
        let said = done(what, &path, material.model.has_weights());
        let request = Request::Render(what, material);
        self.start(Doing::Export, path, Vec::new(), request, move |id, result, tell| {
            let _ = tell.send(match result {
                Ok(Reply { answer: Answer::Rendered, attached: bytes }) => {
                    writer.write(Write { path: to, bytes, said });
                    FileEvent::Rendered(id)
                }
                Ok(Reply { answer: Answer::Failed(error), .. }) | Err(error) => FileEvent::NotRendered(id, error),
                Ok(_) => FileEvent::NotRendered(id, "The reader answered something else.".into()),
            });
        });
    }

    /// Ends what is being done; a file that is being replaced stays as it is.
    pub fn cancel(&mut self, id: u64) -> Option<FileEvent> {
        let Errand { what, path, .. } = self.end(id)?;
        let error = "It was cancelled.".to_owned();
        Some(match what {
            Doing::Open(place) => FileEvent::Opened(place, path, Err(error)),
            Doing::Export => FileEvent::Exported(path, Err(error)),
        })
    }

    /// What an event means that a reader's end has sent; others are passed on. What was given up in between says nothing.
    pub fn take(&mut self, event: FileEvent) -> Vec<FileEvent> {
        match event {
            FileEvent::Read(id, result) => match self.end(id) {
                Some(Errand { what: Doing::Open(place), path, given_up, .. }) => {
                    let told = (!given_up.is_empty()).then(|| FileEvent::GivenUp(given_up, path.clone()));
                    std::iter::once(FileEvent::Opened(place, path, result)).chain(told).collect()
                }
                _ => Vec::new(),
            },
            FileEvent::Rendered(id) => {
                self.end(id);
                Vec::new()
            }
            FileEvent::NotRendered(id, error) => {
                let errand = self.end(id);
                errand.map(|Errand { path, .. }| FileEvent::Exported(path, Err(error))).into_iter().collect()
            }
            event => vec![event],
        }
    }

    fn end(&mut self, id: u64) -> Option<Errand> {
        let at = self.errands.iter().position(|errand| errand.id == id)?;
        Some(self.errands.remove(at))
    }

    fn start(
        &mut self,
        what: Doing,
        path: PathBuf,
        given_up: Vec<PathBuf>,
        request: Request,
        then: impl FnOnce(u64, Result<Reply, String>, &Sender<FileEvent>) + Send + 'static,
    ) {
        let id = self.next;
        self.next += 1;
        let (tell, pacer) = (self.tell.clone(), self.pacer.clone());
        let doing = match what {
            Doing::Open(_) => format!("reading {}", path.display()),
            Doing::Export => format!("exporting to {}", path.display()),
        };
        let process = self.readers.start(request, doing, move |result| {
            then(id, result, &tell);
            pacer.wake();
        });
        self.errands.push(Errand { id, what, path, since: Instant::now(), given_up, _process: process });
    }
}

/// What an answer holds. The reader has done the same with the same data; a panic here would still be a fault of ours,
/// and is told as one.
fn opened(path: &Path, reply: Reply) -> Result<Opened, String> {
    let understood = catch_unwind(AssertUnwindSafe(|| understand(reply)));
    understood.unwrap_or_else(|_| Err(format!("{}: the program failed over what it holds.", path.display())))
}

fn understand(Reply { answer, attached }: Reply) -> Result<Opened, String> {
    let outlined = |model: Model| match model {
        Model::File(file) => file.with_outline(&attached).map(Model::File).map_err(|error| error.to_string()),
        other => Ok(other),
    };
    match answer {
        Answer::Design(design) => Ok(Opened::Design(design)),
        Answer::Model(model) => Ok(Opened::Model(Box::new(outlined(*model)?))),
        Answer::Profile(profile, Some(missing)) => Ok(Opened::Profile(profile, Some(missing))),
        Answer::Profile(mut profile, None) => {
            profile.design = outlined(profile.design)?;
            Ok(Opened::Profile(profile, None))
        }
        Answer::Failed(error) => Err(error),
        Answer::Rendered => Err("The reader answered something else.".into()),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_else(|| OsStr::new("a file")).to_string_lossy().into_owned()
}

/// What is said of a file that was written; `has_weights` says that the model brought its own.
fn done(what: Export, path: &Path, has_weights: bool) -> String {
    let path = path.display();
    if matches!(what, Export::Onnx | Export::OnnxInt8 | Export::Safetensors) && !has_weights {
        let seed = Weights::DEFAULT_SEED;
        format!(
            "Exported to {path}. Its weights are random (seed {seed}); \
             `shufflescope export DESIGN --weights FILE` writes trained ones."
        )
    } else {
        format!("Exported to {path}.")
    }
}
