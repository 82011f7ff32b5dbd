//! What the measuring client tells its owner.

use std::sync::Arc;

use shufflescope_engine::measure::{Apart, Interleaved, Measurement, Peaks};
use shufflescope_engine::search::{Found, Standing};
use shufflescope_engine::store::KernelRun;
use shufflescope_engine::units::Nanos;

use super::protocol::Ticket;

/// What happens to a job.
#[derive(Debug)]
pub enum ClientEvent {
    /// Somebody else measures on the device; the job goes on when they are done.
    Waiting {
        /// The job.
        ticket: Ticket,
        /// Who measures.
        behind: String,
    },
    /// Weights are being made and packed.
    Preparing {
        /// The job.
        ticket: Ticket,
    },
    /// Samples are coming in.
    Progress {
        /// The job.
        ticket: Ticket,
        /// Done, from 0 to 1.
        fraction: f32,
        /// Time left, by the protocol's budget.
        left: Nanos,
        /// What the samples so far say, once there are enough.
        partial: Option<Box<Measurement>>,
    },
    /// The result.
    Done {
        /// The job.
        ticket: Ticket,
        /// What was measured.
        measurement: Box<Measurement>,
    },
    /// Every layer is measured as a kernel of its own.
    Apart {
        /// The job.
        ticket: Ticket,
        /// As measured.
        apart: Box<Apart>,
    },
    /// Rounds are being taken in turns.
    Turns {
        /// The job.
        ticket: Ticket,
        /// Done, from 0 to 1.
        fraction: f32,
        /// Time left at the pace so far, once that is known.
        left: Option<Nanos>,
        /// The rounds of all processes so far, now and then.
        processes: Option<Vec<Arc<Interleaved>>>,
    },
    /// All rounds are taken.
    TurnsDone {
        /// The job.
        ticket: Ticket,
        /// The rounds of each process.
        processes: Vec<Arc<Interleaved>>,
    },
    /// A search goes on.
    Search {
        /// The job.
        ticket: Ticket,
        /// Where it stands.
        standing: Standing,
        /// The designs that were measured since the last time, on the front or not
        /// ([`front`](shufflescope_engine::search::front) says which of all are).
        found: Vec<Found>,
        /// The kernels that were measured since the last time: to be remembered.
        kernels: Vec<KernelRun>,
    },
    /// A search is over; everything found has been told.
    SearchDone {
        /// The job.
        ticket: Ticket,
    },
    /// The answer to [`Client::peaks`].
    Peaks {
        /// The request.
        ticket: Ticket,
        /// As measured.
        peaks: Box<Peaks>,
    },
    /// Stopped by [`Client::cancel`], or ceilings that a job went before.
    Cancelled {
        /// The job.
        ticket: Ticket,
    },
    /// The job cannot be done.
    Failed {
        /// The job.
        ticket: Ticket,
        /// Cause and remedy.
        message: String,
    },
    /// The worker died, hung or talked rubbish in the middle of a job; the next job starts a fresh one.
    WorkerLost {
        /// What happened.
        message: String,
    },
}
