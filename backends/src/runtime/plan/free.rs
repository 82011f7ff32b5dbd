//! Memory by offset, given and taken back.

use std::collections::BTreeMap;

/// Free memory by offset; lowest first, so that what was used last and is still cached is used again.
#[derive(Debug, Default)]
pub(in crate::runtime) struct Free {
    /// Length by offset, no two adjacent.
    holes: BTreeMap<usize, usize>,
    pub end: usize,
}

impl Free {
    /// The offset of `room` that is free from now on no more.
    pub fn take(&mut self, room: usize) -> usize {
        match self.holes.iter().find(|&(_, &length)| length >= room).map(|(&at, &length)| (at, length)) {
            Some((at, length)) => {
                self.holes.remove(&at);
                if length > room {
                    self.holes.insert(at + room, length - room);
                }
                at
            }
            None => {
                let at = match self.holes.last_key_value() {
                    Some((&at, &length)) if at.checked_add(length) == Some(self.end) => {
                        self.holes.remove(&at);
                        at
                    }
                    _ => self.end,
                };
                // Beyond what can be counted there is no offset: `floats` says so.
                self.end = at.saturating_add(room);
                at
            }
        }
    }

    /// Gives back what was taken.
    pub fn give(&mut self, mut at: usize, mut length: usize) {
        if let Some((&before, &room)) = self.holes.range(..at).next_back()
            && before.checked_add(room) == Some(at)
        {
            self.holes.remove(&before);
            (at, length) = (before, room.saturating_add(length));
        }
        if let Some(room) = at.checked_add(length).and_then(|end| self.holes.remove(&end)) {
            length = length.saturating_add(room);
        }
        self.holes.insert(at, length);
    }
}
