//! Small pictures of pictures: at hand for what was just taken, read by a thread where somebody looks at others.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use shufflescope_engine::classify::Picture;

use crate::camera::scaled_down;
use crate::image_file::read_picture;
use crate::window::pacer::Pacer;

/// Longest side in pixels.
const SIDE: u32 = 56;

/// Most that are kept in memory, about 6 KB each.
const MOST: usize = 6000;

/// See the module. The files are the program's own: the worker or this window has written them.
#[derive(Debug)]
pub(super) struct Thumbs {
    here: BTreeMap<u64, Option<Arc<Picture>>>,
    /// What somebody looks at and is not here.
    wanted: RefCell<BTreeSet<u64>>,
    asked: BTreeSet<u64>,
    ask: Option<Sender<(u64, PathBuf)>>,
    read: Receiver<(u64, Option<Arc<Picture>>)>,
}

impl Thumbs {
    pub fn new(pacer: Pacer) -> Self {
        let ((ask, inbox), (tell, read)) = (channel::<(u64, PathBuf)>(), channel());
        let work = move || {
            for (number, path) in inbox {
                let picture = catch_unwind(AssertUnwindSafe(|| read_picture(&path).ok())).unwrap_or_default();
                let small = picture.map(|picture| of(&Arc::new(picture)));
                if tell.send((number, small)).is_err() {
                    return;
                }
                pacer.wake();
            }
        };
        let started = std::thread::Builder::new().name("thumbnails".into()).spawn(work);
        let ask = started.is_ok().then_some(ask);
        Self { here: BTreeMap::new(), wanted: RefCell::default(), asked: BTreeSet::new(), ask, read }
    }

    /// The small picture of this number; `None` where it cannot be shown, or not yet.
    pub fn get(&self, number: u64) -> Option<&Arc<Picture>> {
        match self.here.get(&number) {
            Some(picture) => picture.as_ref(),
            None => {
                self.wanted.borrow_mut().insert(number);
                None
            }
        }
    }

    pub fn put(&mut self, number: u64, picture: &Arc<Picture>) {
        if self.here.len() >= MOST {
            self.here.pop_first();
        }
        self.here.insert(number, Some(of(picture)));
    }

    pub fn forget(&mut self, number: u64) {
        self.here.remove(&number);
    }

    pub fn clear(&mut self) {
        (self.here, self.asked) = (BTreeMap::new(), BTreeSet::new());
        self.wanted.borrow_mut().clear();
    }

    /// Takes what was read, and asks for what somebody looks at.
    pub fn advance(&mut self, path: impl Fn(u64) -> PathBuf) {
        for (number, picture) in self.read.try_iter() {
            // What was forgotten meanwhile is asked for again where it is wanted.
            if self.asked.remove(&number) {
                self.here.insert(number, picture);
            }
        }
        while self.here.len() > MOST {
            self.here.pop_first();
        }
        let Some(ask) = &self.ask else { return };
        for number in std::mem::take(&mut *self.wanted.borrow_mut()) {
            if self.asked.insert(number) {
                let _ = ask.send((number, path(number)));
            }
        }
    }
}

fn of(picture: &Arc<Picture>) -> Arc<Picture> {
    scaled_down(picture, SIDE)
}
