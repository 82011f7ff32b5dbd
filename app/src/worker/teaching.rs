//! The child's side of teaching. It takes no turn on the device: nothing is measured, and the camera's network, which
//! holds the turn, goes on beside it. To cancel it the window ends this process; a training can be asked to stop with its best.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::events::Events;
use super::protocol::{Event, Ticket};
use crate::teach::{TeachNews, TeachWork, take_in, teach};
use crate::{explain, panic_text};

/// Time between two words about how far it is.
const SPACING: Duration = Duration::from_millis(100);

/// Does the work and tells what comes of it, whatever that is.
pub(super) fn answer(events: &Events, newest: &AtomicU64, ticket: Ticket, work: &TeachWork) {
    let mut tell = |news: TeachNews| events.send(&Event::Teach { ticket, news });
    let is_stopped = || newest.load(Ordering::Acquire) != ticket.0;
    let done = catch_unwind(AssertUnwindSafe(|| carry_out(work, &is_stopped, &mut tell)));
    let news = match done {
        Ok(Ok(news)) => news,
        Ok(Err(error)) => TeachNews::Failed { message: explain(&error) },
        Err(panic) => TeachNews::Failed { message: format!("it panicked: {}", panic_text(&*panic)) },
    };
    tell(news);
}

fn carry_out(
    work: &TeachWork,
    is_stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(TeachNews),
) -> anyhow::Result<TeachNews> {
    Ok(match work {
        TeachWork::Teach(job) => TeachNews::Taught(Box::new(teach(job, is_stopped, tell)?)),
        TeachWork::TakeIn(job) => {
            let mut told = Instant::now();
            TeachNews::TakenIn(take_in(job, &mut |done, all| {
                if told.elapsed() >= SPACING {
                    told = Instant::now();
                    tell(TeachNews::Reading { done, all });
                }
                ControlFlow::Continue(())
            })?)
        }
    })
}
