//! Waits for the worker's results, with a progress bar where a person looks on.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::{Apart, Interleaved, Measurement, Peaks};
use shufflescope_engine::search::{Found, Phase, Standing};
use shufflescope_engine::units::Nanos;

use super::output::complain;
use super::site::Site;
use super::user_store::UserStore;
use crate::target::Programs;
use crate::worker::{Client, ClientEvent, Job, SearchJob, TurnsJob};

/// The client of one command; its worker process is kept from job to job while the number of threads allows it.
pub(super) struct Measuring {
    client: Client,
    name: &'static str,
    programs: Programs,
    bars: MultiProgress,
    /// Where every finished measurement becomes a row.
    pub store: UserStore,
}

impl Measuring {
    /// Starts no process yet; `name` is what others are told that have to wait for this.
    pub(super) fn new(name: &'static str, site: &Site) -> Self {
        Self::beside_others(name, site, MultiProgress::new())
    }

    /// As [`new`](Self::new), where others measure elsewhere at the same time and show how far they are in the same bars.
    pub(super) fn beside_others(name: &'static str, site: &Site, bars: MultiProgress) -> Self {
        let programs = site.programs.clone();
        Self { client: client(&programs, name), name, programs, bars, store: UserStore::open(site) }
    }

    /// Measures one network; `what` stands before the bar.
    pub(super) fn measure(&mut self, what: &str, job: Job) -> anyhow::Result<Measurement> {
        let scatter = self.store.scatter(&job);
        let job = Job { scatter, ..job };
        let measurement = self.measure_for_kernels(what, &job)?;
        self.store.note_run(job.design.name(), &measurement);
        Ok(measurement)
    }

    /// As [`measure`](Self::measure), of a network that is of interest only for its kernels: it becomes no row of a history.
    pub(super) fn measure_for_kernels(&mut self, what: &str, job: &Job) -> anyhow::Result<Measurement> {
        self.client.measure(job.clone());
        let measurement = Self::wait(&mut self.client, &self.bars, what, |event| match event {
            ClientEvent::Done { measurement, .. } => Some(*measurement),
            _ => None,
        })?;
        self.store.note_kernels(job, &measurement);
        Ok(measurement)
    }

    /// Measures what a device can do at most with so many threads.
    pub(super) fn peaks(&mut self, what: &str, device: DeviceId, threads: usize) -> anyhow::Result<Peaks> {
        self.client.peaks(device, threads);
        Self::wait(&mut self.client, &self.bars, what, |event| match event {
            ClientEvent::Peaks { peaks, .. } => Some(*peaks),
            _ => None,
        })
    }

    /// What comes next is measured by a fresh process.
    pub(super) fn start_anew(&mut self) {
        self.client = client(&self.programs, self.name);
    }

    /// Measures every layer of a network as a kernel of its own.
    pub(super) fn take_apart(&mut self, what: &str, job: Job) -> anyhow::Result<Apart> {
        self.client.take_apart(job);
        Self::wait(&mut self.client, &self.bars, what, |event| match event {
            ClientEvent::Apart { apart, .. } => Some(*apart),
            _ => None,
        })
    }

    /// Measures networks in turns; the rounds of each process.
    pub(super) fn take_turns(&mut self, what: &str, job: TurnsJob) -> anyhow::Result<Vec<Interleaved>> {
        self.client.take_turns(job);
        Self::wait(&mut self.client, &self.bars, what, |event| match event {
            ClientEvent::TurnsDone { processes, .. } => Some(processes.into_iter().map(Arc::unwrap_or_clone).collect()),
            _ => None,
        })
    }

    /// Searches for designs. `take` gets what was measured as it comes, with how many designs were looked at by then; where
    /// it fails, the search ends. What kernels took is remembered.
    pub(super) fn search(
        &mut self,
        what: &str,
        job: SearchJob,
        mut take: impl FnMut(Vec<Found>, usize) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let options = job.options.clone();
        self.client.search(job);
        let Self { client, store, bars, .. } = self;
        let ended = Self::wait(client, bars, what, |event| match event {
            ClientEvent::Search { standing, found, kernels, .. } => {
                kernels.iter().for_each(|run| store.note_kernel_run(&options, run));
                take(found, standing.evaluated).err().map(Err)
            }
            ClientEvent::SearchDone { .. } => Some(Ok(())),
            _ => None,
        });
        self.client.cancel();
        ended?
    }

    fn wait<T>(
        client: &mut Client,
        bars: &MultiProgress,
        what: &str,
        mut result: impl FnMut(ClientEvent) -> Option<T>,
    ) -> anyhow::Result<T> {
        let bar = progress_bar(bars, what);
        loop {
            for event in client.poll() {
                if let ClientEvent::Search { standing, .. } = &event {
                    tell_search(&bar, standing);
                }
                match event {
                    ClientEvent::Waiting { behind, .. } => {
                        let waiting = format!("waiting for {behind} to finish measuring on this device");
                        if bar.is_hidden() { complain(&waiting) } else { bar.set_message(waiting) }
                    }
                    ClientEvent::Preparing { .. } => bar.set_message("preparing"),
                    ClientEvent::Progress { fraction, left, partial, .. } => {
                        let so_far =
                            partial.map(|partial| format!("{} so far, ", partial.whole.median)).unwrap_or_default();
                        tell(&bar, fraction, &so_far, Some(left));
                    }
                    ClientEvent::Turns { fraction, left, .. } => tell(&bar, fraction, "", left),
                    ClientEvent::Failed { message, .. } | ClientEvent::WorkerLost { message } => {
                        bar.finish_and_clear();
                        bail!(message);
                    }
                    ClientEvent::Cancelled { .. } => bail!("the measurement was cancelled"),
                    ClientEvent::Done { .. }
                    | ClientEvent::Apart { .. }
                    | ClientEvent::TurnsDone { .. }
                    | ClientEvent::Search { .. }
                    | ClientEvent::SearchDone { .. }
                    | ClientEvent::Peaks { .. } => {
                        if let Some(result) = result(event) {
                            bar.finish_and_clear();
                            return Ok(result);
                        }
                    }
                }
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

fn client(programs: &Programs, name: &'static str) -> Client {
    let waiting = std::thread::current();
    Client::new(programs.clone(), name, move || waiting.unpark())
}

fn tell(bar: &ProgressBar, fraction: f32, so_far: &str, left: Option<Nanos>) {
    bar.set_position((f64::from(fraction) * 1000.0) as u64);
    let left = left.map(|left| format!("{left} left")).unwrap_or_default();
    bar.set_message(format!("{so_far}{left}"));
}

fn tell_search(bar: &ProgressBar, standing: &Standing) {
    let Standing { phase, fraction, left, evaluated, measured, on_front } = standing;
    let doing = match phase {
        Phase::Learning => "learning what kernels take here",
        Phase::Looking => "looking",
        Phase::Measuring => "measuring in turns",
    };
    bar.set_position((fraction * 1000.0) as u64);
    bar.set_message(format!(
        "{on_front} on the front, {measured} measured, {evaluated} looked at, {left} left; {doing}"
    ));
}

fn progress_bar(bars: &MultiProgress, what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = bars.add(ProgressBar::new(1000));
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(what.to_owned());
    bar
}
