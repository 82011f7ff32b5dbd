//! File dialogs that answer by themselves.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use shufflescope::window::{Dialogs, Pending, Question, Reply};

/// Answers in the order given, then as a person does who thinks better of it; keeps what was asked.
#[derive(Clone, Debug, Default)]
pub struct ScriptedDialogs {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<Question>>>,
}

impl ScriptedDialogs {
    /// The next dialog that has no answer yet is given this one.
    pub fn choose(&self, path: impl Into<PathBuf>) {
        self.reply(Reply::Chosen(path.into()));
    }

    /// The next dialog that has no answer yet ends like this.
    pub fn reply(&self, reply: Reply) {
        self.replies.lock().unwrap().push_back(reply);
    }

    /// Every dialog so far.
    pub fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }
}

impl Dialogs for ScriptedDialogs {
    fn show(&self, question: Question) -> Pending {
        self.asked.lock().unwrap().push(question);
        let reply = self.replies.lock().unwrap().pop_front().unwrap_or(Reply::Cancelled);
        Box::new(move || reply)
    }
}
