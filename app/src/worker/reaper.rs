//! Ends children without anybody waiting for them.
//!
//! A child is killed at once, which does not block; that it has ended is waited for on a thread of the program's own. A
//! process inside a driver may take its time to die, or never do so: nobody hangs with it, and none stays as a zombie.

use std::process::Child;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;
use std::time::Duration;

/// Time between two looks whether a killed process has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Kills the process and returns at once.
pub(super) fn end(mut child: Child) {
    let _ = child.kill();
    static REAPER: OnceLock<Option<Sender<Child>>> = OnceLock::new();
    let reaper = REAPER.get_or_init(|| {
        let (sender, dying) = channel();
        Builder::new().name("reaper".into()).spawn(move || reap(&dying)).ok().map(|_| sender)
    });
    if let Some(reaper) = reaper {
        let _ = reaper.send(child);
    }
}

fn reap(dying: &Receiver<Child>) {
    let mut left: Vec<Child> = Vec::new();
    loop {
        let next = if left.is_empty() { dying.recv().ok() } else { dying.recv_timeout(LOOK_AGAIN).ok() };
        if next.is_none() && left.is_empty() {
            return;
        }
        left.extend(next);
        left.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}
