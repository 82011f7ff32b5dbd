//! Steps in an order, an arena they work in, and the threads that share them: the only place where kernels are let
//! loose on shared memory, and therefore where every promise they rely on is checked or kept.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

#[cfg(test)]
use super::super::pool::share_of;
use super::super::pool::{Items, Job, Member, Panicked, Pool, Stop};
use super::arena::{Arena, NoMemory};
use super::map::Map;
use super::planes::PlaneLayout;
use super::step::Step;

/// Why steps cannot run in an arena.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Conflict {
    /// A row lies outside the arena; a mistake of whoever planned it.
    #[error("a row of step {step} lies outside the arena")]
    OutOfBounds {
        /// The step's index.
        step: usize,
    },
    /// Memory written in a phase is also read or written otherwise in it; a mistake of whoever planned it.
    #[error("two steps of phase {phase} use memory that one of them writes")]
    Overlap {
        /// The phase's index.
        phase: usize,
    },
    /// A phase is of steps that are not there; a mistake of whoever planned it.
    #[error("phase {phase} has steps beyond the last")]
    NoStep {
        /// The phase's index.
        phase: usize,
    },
    /// More than can be counted or handed out.
    #[error("step {step} has more items of work than can be counted")]
    TooMany {
        /// The step's index.
        step: usize,
    },
    /// Feature maps, weights and scratch do not fit.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
}

/// Steps ready to run.
#[derive(Debug)]
pub struct Program {
    steps: Vec<Step>,
    /// Steps that may run side by side.
    phases: Vec<Range<usize>>,
    arena: Arena,
    /// Each thread's own.
    scratch: Vec<Mutex<Arena>>,
    /// The items of each step.
    items: Vec<Items>,
    /// For each step whether it is marked where steps run apart.
    marks: Vec<bool>,
    /// Whether every step is a phase of its own in this run.
    apart: AtomicBool,
}

impl Program {
    /// Checks that all rows lie in an arena of `floats`, and that no step of a phase touches what another writes.
    ///
    /// # Errors
    /// Where they do not, or there is not the memory for them.
    pub fn new(
        mut steps: Vec<Step>,
        phases: Vec<Range<usize>>,
        floats: usize,
        threads: usize,
    ) -> Result<Self, Conflict> {
        for (index, step) in steps.iter().enumerate() {
            let within = |map: &Map| map.extents().all(|extent| extent.end <= floats);
            if !step.reads().into_iter().all(within) || !within(step.writes()) {
                return Err(Conflict::OutOfBounds { step: index });
            }
        }
        for (index, phase) in phases.iter().enumerate() {
            let together = steps.get(phase.clone()).ok_or(Conflict::NoStep { phase: index })?;
            if overlaps(together) {
                return Err(Conflict::Overlap { phase: index });
            }
        }
        let scratch = lay_out_scratch(&mut steps).ok_or(NoMemory(usize::MAX))?;
        // Kernels find their places in it by offsets of 32 bits.
        let reached = Arena::bytes(scratch) / size_of::<f32>() as u64;
        if u32::try_from(reached).is_err() {
            return Err(NoMemory(usize::try_from(reached).unwrap_or(usize::MAX)).into());
        }
        let arena = settle(&mut steps, floats)?;
        if cfg!(feature = "redzones") {
            arena.forbid_all();
            for step in &mut steps {
                step.reads().into_iter().chain([step.writes()]).flat_map(Map::extents).for_each(|row| arena.allow(row));
                step.weights().into_iter().for_each(|weights| arena.allow(weights.place()));
            }
        }
        let items = steps
            .iter()
            .enumerate()
            .map(|(index, step)| Items::new(step.items(), threads).ok_or(Conflict::TooMany { step: index }));
        Ok(Self {
            items: items.collect::<Result<_, _>>()?,
            scratch: (0..threads.max(1)).map(|_| Arena::new(scratch).map(Mutex::new)).collect::<Result<_, _>>()?,
            marks: vec![true; steps.len()],
            apart: AtomicBool::new(false),
            steps,
            phases,
            arena,
        })
    }

    /// The same, with only those steps marked of which `marks` says so; none that it says nothing of.
    #[must_use]
    pub fn marking(self, marks: Vec<bool>) -> Self {
        Self { marks, ..self }
    }

    /// Of each phase the steps that are marked, by their place among those, with their items of work.
    pub fn dealt(&self) -> impl Iterator<Item = Vec<(usize, usize)>> + '_ {
        let is_marked = |step: &usize| self.marks.get(*step) == Some(&true);
        let mut marked = 0;
        self.phases.iter().map(move |phase| {
            let of = |step: usize| {
                marked += 1;
                (marked - 1, self.steps[step].items())
            };
            phase.clone().filter(is_marked).map(of).collect()
        })
    }

    /// Runs what one thread of those that it was made for starts with, of every step, and nothing of the others.
    #[cfg(test)]
    pub(super) fn run_share(&self, index: usize) {
        let mut scratch = self.scratch[index].lock().unwrap();
        for step in 0..self.steps.len() {
            for item in share_of(self.steps[step].items(), index, self.scratch.len()) {
                // SAFETY: no other thread runs; what steps of other shares have not written is zero, or of an earlier run.
                unsafe { self.item(step, item, &mut scratch) }
            }
        }
    }

    /// One thread's part of a run; `mark` is called after each step where steps run apart.
    fn work(&self, member: &Member<'_>, mark: &mut dyn FnMut()) -> Result<(), Stop> {
        // Poisoned only after a panic, after which nothing runs any more.
        let mut scratch = self.scratch[member.index].lock().map_err(|_| Stop::Panicked)?;
        if self.apart.load(Ordering::Relaxed) {
            for step in 0..self.steps.len() {
                self.share(member, step, &mut scratch);
                self.wait(member, step, &mut scratch)?;
                if self.marks.get(step) == Some(&true) {
                    mark();
                }
            }
        } else {
            for phase in &self.phases {
                for step in phase.clone() {
                    self.share(member, step, &mut scratch);
                }
                for step in phase.clone() {
                    self.wait(member, step, &mut scratch)?;
                }
            }
        }
        Ok(())
    }

    fn share(&self, member: &Member<'_>, step: usize, scratch: &mut Arena) {
        // SAFETY: `share` hands each item out once a run, and this is the step's turn.
        member.share(&self.items[step], |item| unsafe { self.item(step, item, scratch) });
    }

    fn wait(&self, member: &Member<'_>, step: usize, scratch: &mut Arena) -> Result<(), Stop> {
        // SAFETY: as in `share`.
        member.wait(&self.items[step], |item| unsafe { self.item(step, item, scratch) })
    }

    /// # Safety
    /// The item is this thread's alone in this run; it has waited for all items of the phases before the step's, which hold
    /// everything that it depends on.
    unsafe fn item(&self, step: usize, item: usize, scratch: &mut Arena) {
        // SAFETY: `new` accepted the step; the rest the caller promises.
        unsafe { self.steps[step].run(item, &self.arena, scratch) }
    }
}

impl Job for Program {
    fn work(&self, member: &Member<'_>) -> Result<(), Stop> {
        self.work(member, &mut || {})
    }
}

/// Whether memory that one of the steps writes is used otherwise by any of them.
fn overlaps(steps: &[Step]) -> bool {
    let mut uses: Vec<(Range<usize>, bool)> = Vec::new();
    for step in steps {
        uses.extend(step.writes().extents().map(|extent| (extent, true)));
        for map in step.reads() {
            let in_place = |row: usize| step.in_place() && step.writes().rows.get(row) == map.rows.get(row);
            uses.extend(
                map.extents().enumerate().filter(|(row, _)| !in_place(*row)).map(|(_, extent)| (extent, false)),
            );
        }
    }
    uses.sort_unstable_by_key(|(extent, _)| extent.start);
    let (mut written_to, mut read_to) = (0, 0);
    for (extent, written) in uses {
        if extent.start < written_to || (written && extent.start < read_to) {
            return true;
        }
        let to = if written { &mut written_to } else { &mut read_to };
        *to = extent.end.max(*to);
    }
    false
}

/// An arena of `floats` and, behind them, the weights of all steps, which it moves there.
///
/// # Errors
/// Where there is not the memory for it.
fn settle(steps: &mut [Step], floats: usize) -> Result<Arena, NoMemory> {
    let rooms = steps.iter_mut().filter_map(Step::weights).map(|weights| weights.room());
    let weights = rooms.fold(0, usize::saturating_add);
    let mut at = floats.checked_next_multiple_of(16).ok_or(NoMemory(floats))?;
    let mut arena = Arena::new(at.saturating_add(weights))?;
    for weights in steps.iter_mut().filter_map(Step::weights) {
        weights.settle(&mut arena, at);
        at += weights.room();
    }
    Ok(arena)
}

/// Gives planes of equal layout their place behind the scratch that all steps share; returns the floats of both, or none
/// where they cannot be counted.
pub(super) fn lay_out_scratch(steps: &mut [Step]) -> Option<usize> {
    // What kernels may read past the end of what they use.
    const BEHIND: usize = 64;
    let common = steps.iter().map(Step::scratch).max().unwrap_or(0).checked_next_multiple_of(16)?;
    let mut layouts: Vec<(PlaneLayout, usize)> = Vec::new();
    let mut end = common;
    for step in steps {
        let Some(planes) = step.planes() else { continue };
        let layout = planes.layout();
        planes.scratch_at = match layouts.iter().find(|(known, _)| *known == layout) {
            Some(&(_, at)) => at,
            None => {
                let at = end;
                layouts.push((layout, at));
                end = end.checked_add(super::matmul::MAX_ROWS.checked_mul(layout.pitch())?)?;
                at
            }
        };
    }
    end.checked_add(BEHIND)
}

/// A program and its threads.
#[derive(Debug)]
pub struct Machine {
    pool: Pool<Program>,
}

impl Machine {
    /// Starts the threads that `program` was made for.
    ///
    /// # Errors
    /// Where the system has no more threads.
    pub fn start(program: Program) -> std::io::Result<Self> {
        Ok(Self { pool: Pool::new(program.scratch.len(), program)? })
    }

    /// Threads that work in a run.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// What the threads run.
    pub fn program(&self) -> &Program {
        self.pool.job()
    }

    /// As [`Program::run_share`].
    #[cfg(test)]
    pub fn run_share(&mut self, index: usize) {
        self.pool.job().run_share(index);
    }

    /// Runs all steps.
    ///
    /// # Errors
    /// Where a thread panics, now or in an earlier run; then the rows hold parts of a run, and nobody writes any more.
    pub fn run(&mut self) -> Result<(), Panicked> {
        self.pool.job().apart.store(false, Ordering::Relaxed);
        self.pool.run()
    }

    /// Runs all steps one after another, calling `mark` after each that is [marked](Program::marking).
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_marked(&mut self, mark: &mut dyn FnMut()) -> Result<(), Panicked> {
        self.pool.job().apart.store(true, Ordering::Relaxed);
        self.pool.run_led(|program, member| program.work(member, mark))
    }

    /// Writes `values` at offset `at` of the arena.
    ///
    /// # Panics
    /// Where they do not lie inside it.
    pub fn write(&mut self, at: usize, values: &[f32]) {
        let arena = &self.pool.job().arena;
        assert!(at.checked_add(values.len()).is_some_and(|end| end <= arena.len()));
        // The input may have channels that no step reads.
        arena.allow(at..at + values.len());
        // SAFETY: inside the arena, and between runs, failed ones too, no thread has an item, so nobody else touches it.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), arena.base().add(at), values.len()) }
    }

    /// Reads from offset `at` of the arena.
    ///
    /// # Panics
    /// Where `values` do not lie inside it.
    pub fn read(&self, at: usize, values: &mut [f32]) {
        let arena = &self.pool.job().arena;
        assert!(at.checked_add(values.len()).is_some_and(|end| end <= arena.len()));
        // SAFETY: inside the arena; a run needs `&mut self` and is over for all threads when it returns, so none is
        // going on.
        unsafe { std::ptr::copy_nonoverlapping(arena.base().add(at), values.as_mut_ptr(), values.len()) }
    }
}
