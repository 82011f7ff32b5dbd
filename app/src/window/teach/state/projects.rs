//! Projects: which is open, which there are, begun and deleted.

use std::path::Path;

use super::super::open::{Open, list};
use super::{AT_THE_END, Teach};

impl Teach {
    /// Gives the project another name.
    pub fn rename_project(&mut self, name: &str) {
        let Some(open) = self.begin() else { return };
        let name: String = name.trim().chars().filter(|letter| !letter.is_control()).take(60).collect();
        if !name.is_empty() && open.project.name != name {
            open.project.name = name;
            self.save();
            self.list();
        }
    }

    /// Begins another project.
    pub fn new_project(&mut self) {
        if let (Some(root), None) = (self.root.clone(), &self.running) {
            self.set_open(Open::fresh(&root));
            self.list();
        }
    }

    /// Opens a project.
    pub fn open_project(&mut self, folder: &Path) {
        if self.running.is_some() || self.folder() == Some(folder) {
            return;
        }
        match Open::at(folder) {
            Ok(Some(open)) => self.set_open(open),
            Ok(None) => self.problem = Some("Another window has this project open.".into()),
            Err(reason) => self.problem = Some(reason),
        }
    }

    /// Deletes the project with all that is in it.
    pub fn delete_project(&mut self) {
        let (Some(root), Some(open), None) = (self.root.clone(), &mut self.open, &self.running) else { return };
        open.let_go();
        self.keeper.remove_folder(open.place.0.clone());
        // Its name is free again only once it is gone.
        self.keeper.finish(AT_THE_END);
        let (fresh, said) = Open::last(&root);
        self.set_open(fresh);
        self.list();
        self.problem = said.into_iter().next();
    }

    pub(super) fn set_open(&mut self, open: Open) {
        self.history.clear();
        self.thumbs.clear();
        (self.shows, self.outcome, self.problem) = (None, None, None);
        self.open = Some(open);
        self.sweep();
        self.version += 1;
    }

    pub(super) fn list(&mut self) {
        // What was asked to be written is listed too.
        self.keeper.finish(AT_THE_END);
        self.projects = self.root.as_deref().map(list).unwrap_or_default();
    }
}
