//! What a person should read, in the order it came: it stays until it is read and closed.

use std::path::PathBuf;

use super::tab::Tab;

/// Most messages kept; of more, the oldest that tell no fault go first.
const MOST: usize = 40;

/// Something that a person should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The text, with the remedy where it is an error.
    pub text: String,
    /// Whether something went wrong.
    pub is_error: bool,
    /// A folder worth showing.
    pub folder: Option<PathBuf>,
    /// The tab where it arose.
    pub tab: Option<Tab>,
}

impl Notice {
    /// Something that was done.
    #[must_use]
    pub const fn done(text: String) -> Self {
        Self { text, is_error: false, folder: None, tab: None }
    }

    /// Something that went wrong.
    #[must_use]
    pub const fn error(text: String) -> Self {
        Self { text, is_error: true, folder: None, tab: None }
    }
}

/// A message in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Which one it is.
    pub id: u64,
    /// What it says.
    pub notice: Notice,
    /// How often it came.
    pub times: u32,
}

/// The queue.
#[derive(Debug, Default)]
pub struct Notices {
    queue: Vec<Queued>,
    next: u64,
    left_out: usize,
}

impl Notices {
    /// Adds a message; one that is there already counts once more and becomes the newest.
    pub fn push(&mut self, notice: Notice) {
        let known = self.queue.iter().position(|queued| queued.notice == notice);
        let times = known.map_or(1, |at| self.queue.remove(at).times.saturating_add(1));
        self.queue.push(Queued { id: self.next, notice, times });
        self.next += 1;
        if self.queue.len() > MOST {
            let before = self.queue.len() - 1;
            let least = self.queue.iter().take(before).position(|queued| !queued.notice.is_error);
            self.queue.remove(least.unwrap_or(0));
            self.left_out += 1;
        }
    }

    /// All of them, the newest last.
    #[must_use]
    pub fn all(&self) -> &[Queued] {
        &self.queue
    }

    /// The newest one.
    #[must_use]
    pub fn newest(&self) -> Option<&Notice> {
        self.queue.last().map(|queued| &queued.notice)
    }

    /// Whether there is nothing to read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many of them tell that something went wrong.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.queue.iter().filter(|queued| queued.notice.is_error).count()
    }

    /// Messages that there was no room for since the queue was last empty.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Takes one away.
    pub fn dismiss(&mut self, id: u64) {
        self.queue.retain(|queued| queued.id != id);
        self.forget_left_out();
    }

    /// Takes the newest one away.
    pub fn dismiss_newest(&mut self) {
        self.queue.pop();
        self.forget_left_out();
    }

    /// Takes all away.
    pub fn dismiss_all(&mut self) {
        self.queue.clear();
        self.forget_left_out();
    }

    fn forget_left_out(&mut self) {
        if self.queue.is_empty() {
            self.left_out = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(notices: &Notices) -> Vec<&str> {
        notices.all().iter().map(|queued| queued.notice.text.as_str()).collect()
    }

    #[test]
    fn messages_stay_in_order_until_each_is_closed() {
        let mut notices = Notices::default();
        for text in ["a", "b", "c"] {
            notices.push(Notice::done(text.into()));
        }
        notices.dismiss(notices.all()[1].id);
        assert_eq!(texts(&notices), ["a", "c"]);
        notices.push(Notice::done("a".into()));
        assert_eq!(texts(&notices), ["c", "a"]);
        assert_eq!(notices.all()[1].times, 2);
        notices.dismiss_newest();
        assert_eq!(notices.newest().unwrap().text, "c");
    }

    #[test]
    fn where_there_is_no_room_faults_outlive_what_was_done() {
        let mut notices = Notices::default();
        notices.push(Notice::error("fault".into()));
        for number in 0..MOST + 5 {
            notices.push(Notice::done(number.to_string()));
        }
        assert_eq!((notices.all().len(), notices.left_out(), notices.errors()), (MOST, 6, 1));
        assert_eq!(texts(&notices)[0], "fault");
        notices.dismiss_all();
        assert_eq!(notices.left_out(), 0);
        for number in 0..=MOST {
            notices.push(Notice::error(number.to_string()));
        }
        assert_eq!(texts(&notices)[0], "1", "of faults alone the oldest goes");
    }
}
