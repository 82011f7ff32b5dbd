//! Which file each document of the history belongs to, and what of it is saved. Undo leads from one document to another;
//! each brings its own file with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use shufflescope_engine::design::Design;

/// A document: what has one file, or none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId(u64);

/// A design on its way to a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Save {
    /// The document that the design belongs to, which is perhaps not the one shown when it is written.
    pub document: DocumentId,
    /// Of several saves of a document the one with the highest number was asked for last.
    pub number: u64,
    /// Where to.
    pub path: PathBuf,
    /// What.
    pub design: Box<Design>,
}

#[derive(Debug)]
struct Identity {
    file: Option<PathBuf>,
    /// What the file holds, or a design that can be had again without one.
    saved: Option<Design>,
    /// Number of the save that the file was taken from.
    adopted: u64,
}

/// The documents that can be come back to. A file belongs to one of them at most.
#[derive(Debug, Default)]
pub struct Identities {
    known: BTreeMap<DocumentId, Identity>,
    last_document: u64,
    last_save: u64,
}

impl Identities {
    /// The document of this file, which holds `saved`: a new one, where the file belongs to none.
    pub fn of_file(&mut self, file: PathBuf, saved: Option<Design>) -> DocumentId {
        let file = absolute(file);
        let owner = self.known.iter_mut().find(|(_, identity)| identity.file.as_ref() == Some(&file));
        if let Some((id, identity)) = owner {
            identity.saved = saved;
            return *id;
        }
        self.begin(Some(file), saved)
    }

    /// A new document without a file; `saved` can be had again without one.
    pub fn without_file(&mut self, saved: Option<Design>) -> DocumentId {
        self.begin(None, saved)
    }

    fn begin(&mut self, file: Option<PathBuf>, saved: Option<Design>) -> DocumentId {
        self.last_document += 1;
        let id = DocumentId(self.last_document);
        self.known.insert(id, Identity { file, saved, adopted: 0 });
        id
    }

    /// The file of a document.
    pub fn file(&self, id: DocumentId) -> Option<&Path> {
        self.known.get(&id)?.file.as_deref()
    }

    /// Whether this state of a document is safe.
    pub fn is_saved(&self, id: DocumentId, design: &Design) -> bool {
        self.known.get(&id).and_then(|identity| identity.saved.as_ref()) == Some(design)
    }

    /// A save that is asked for now.
    pub fn save(&mut self, document: DocumentId, path: PathBuf, design: Design) -> Save {
        self.last_save += 1;
        Save { document, number: self.last_save, path: absolute(path), design: Box::new(design) }
    }

    /// Notes that a save has been written. Its document takes the file, unless it was saved elsewhere since; another one
    /// that had the file loses it.
    pub fn written(&mut self, save: &Save) {
        // A document that nothing leads back to keeps what it was saved to all the same.
        let adopts = self.known.get(&save.document).is_none_or(|own| save.number > own.adopted);
        for (id, identity) in &mut self.known {
            let has_it = identity.file.as_ref() == Some(&save.path);
            if *id == save.document {
                if adopts {
                    (identity.file, identity.adopted) = (Some(save.path.clone()), save.number);
                }
                if adopts || has_it {
                    identity.saved = Some((*save.design).clone());
                }
            } else if has_it {
                identity.saved = None;
                if adopts {
                    identity.file = None;
                }
            }
        }
    }

    /// Forgets the documents that nothing leads back to.
    pub fn keep_only(&mut self, reachable: &[DocumentId]) {
        self.known.retain(|id, _| reachable.contains(id));
    }
}

/// The whole path, so that a file has one name; links are not followed, for that could take for ever.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
