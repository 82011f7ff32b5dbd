//! The system's fonts behind the window's own. A character that none has is noted while text is laid out, where nothing
//! may be waited for; a thread looks for a font, and the frame after that has it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eframe::egui;
use egui::{FallbackRequest, FontInsert};

use super::folders::FontFolders;
use super::search::font_with;
use crate::window::pacer::Pacer;

/// Most fonts that are loaded.
const MOST_FONTS: usize = 24;

/// Most characters that are looked for.
const MOST_CHARACTERS: usize = 4096;

/// See the module.
#[derive(Debug)]
pub struct SystemFonts {
    folders: FontFolders,
    state: Arc<Mutex<State>>,
    pacer: Pacer,
    is_installed: bool,
}

#[derive(Debug, Default)]
struct State {
    /// Characters that no font has, to be looked for.
    wanted: BTreeSet<char>,
    /// Those that were looked for, found or not.
    known: BTreeSet<char>,
    /// Fonts to be taken into use.
    found: Vec<FontInsert>,
    /// As many were found so far.
    fonts: usize,
    is_searching: bool,
}

impl SystemFonts {
    /// Fonts of these folders; none where there are none.
    #[must_use]
    pub fn new(folders: FontFolders, pacer: Pacer) -> Self {
        Self { folders, state: Arc::default(), pacer, is_installed: false }
    }

    /// Takes the fonts that were found into use.
    pub fn advance(&mut self, ctx: &egui::Context) {
        if !std::mem::replace(&mut self.is_installed, true) && !self.folders.0.is_empty() {
            let state = Arc::clone(&self.state);
            // What lays text out holds the context: nothing is asked of it here.
            ctx.add_font_provider(Arc::new(move |request: &FallbackRequest<'_>| -> Option<FontInsert> {
                lock(&state).want(request.cluster.chars().next()?);
                None
            }));
        }
        let found = std::mem::take(&mut lock(&self.state).found);
        found.into_iter().for_each(|font| ctx.add_font(font));
    }

    /// Looks for what was missing in the frame that was just painted.
    pub fn search(&self) {
        let mut state = lock(&self.state);
        if state.wanted.is_empty() || state.is_searching {
            return;
        }
        state.is_searching = true;
        let (folders, shared, pacer) = (self.folders.clone(), Arc::clone(&self.state), self.pacer.clone());
        let look = move || {
            let fonts = folders.fonts();
            // What is missing while others are looked for is taken along.
            while let Some(wanted) = next(&shared) {
                if let Some(font) = font_with(wanted, &fonts) {
                    let mut state = lock(&shared);
                    state.fonts += 1;
                    state.found.push(font);
                    // It may have the others too: the next frame asks for those that it has not.
                    state.wanted.clear();
                }
            }
            pacer.wake_now();
        };
        if std::thread::Builder::new().name("fonts".into()).spawn(look).is_err() {
            state.is_searching = false;
        }
    }
}

impl State {
    fn want(&mut self, character: char) {
        let is_new = !self.known.contains(&character) && self.known.len() < MOST_CHARACTERS;
        if is_new && self.fonts < MOST_FONTS {
            self.wanted.insert(character);
        }
    }
}

/// The next character to look for; where there is none, the search is over.
fn next(shared: &Mutex<State>) -> Option<char> {
    let mut state = lock(shared);
    let wanted = state.wanted.pop_first();
    match wanted {
        Some(wanted) => {
            state.known.insert(wanted);
        }
        None => state.is_searching = false,
    }
    wanted
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
