//! The draft of what is being edited, kept over a crash, and what is said where one was found.

use std::path::Path;

use eframe::egui;

use super::App;
use crate::window::document::Document;
use crate::window::drafts::{Draft, Drafts};
use crate::window::notices::Notice;

/// Seconds without an edit before the design is kept safe in the data folder.
const KEEP_AFTER: f64 = 0.7;

impl App {
    /// Keeps the design once it has been left alone for a moment.
    pub(super) fn keep_safe(&mut self, ctx: &egui::Context, now: f64) {
        if self.is_kept() || !self.document.errors().is_empty() {
            self.differs_since = None;
            return;
        }
        let since = *self.differs_since.get_or_insert(now);
        let left = since + KEEP_AFTER - now;
        if left > 0.0 {
            ctx.request_repaint_after_secs(left as f32);
        } else {
            self.keep_now();
        }
    }

    /// Whether the newest valid design is kept, as what it is.
    fn is_kept(&self) -> bool {
        let (Some(kept), Some(design)) = (&self.kept, self.document.valid_design()) else { return true };
        *design == kept.design
            && self.document.file() == kept.file.as_deref()
            && self.document.is_saved(design) == kept.is_saved
    }

    /// Keeps the design.
    pub(super) fn keep_now(&mut self) {
        if !self.is_kept()
            && let Some(draft) = draft_of(&self.document)
        {
            self.kept = Some(draft.clone());
            self.files.keep(draft);
        }
        self.differs_since = None;
    }
}

/// What is kept of a document.
pub(super) fn draft_of(document: &Document) -> Option<Draft> {
    let design = document.valid_design()?;
    let is_saved = document.is_saved(design);
    Some(Draft { design: design.clone(), file: document.file().map(Path::to_owned), is_saved })
}

/// What is said at the start.
pub(super) fn welcome(drafts: Option<&Drafts>, recovered: Option<&Draft>, mut said: Vec<String>) -> Option<Notice> {
    let folder = drafts.filter(|_| !said.is_empty()).map(|drafts| drafts.folder().to_owned());
    let is_error = drafts.is_none();
    if let Some(draft) = recovered.filter(|draft| !draft.is_saved) {
        let to_keep = match &draft.file {
            Some(file) => format!("It is not saved to {}: save it to keep it for good.", file.display()),
            None => "Save it to a file to keep it for good.".into(),
        };
        said.insert(0, format!("Here is `{}` as you left it. {to_keep}", draft.design.name));
    }
    (!said.is_empty()).then(|| Notice { text: said.join(" "), is_error, folder, tab: None })
}
