//! Steps in an order, an arena they work in, and the threads that share them: the only place where kernels are let
//! loose on shared memory, and therefore where every promise they rely on is checked or kept.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::pool::{Items, Job, Member, Panicked, Pool, Stop};
use super::arena::{Arena, Packed};
use super::convolution::{Convolution, Sink};
use super::dense::Dense;
use super::direct::Direct;
use super::map::Map;
use super::planes::{Depthwise, PlaneLayout, Planes};
use super::reduce::Reduce;
use super::rowwise::Rowwise;
use super::winograd::Winograd;

/// One kernel launch.
#[derive(Debug)]
pub enum Step {
    /// A matrix product and what follows it.
    Convolution(Box<Convolution>),
    /// Dense 3x3 convolution with fewer multiply-adds.
    Winograd(Box<Winograd>),
    /// Depthwise convolution.
    Depthwise(Box<Depthwise>),
    /// A stem.
    Direct(Box<Direct>),
    /// Pooling.
    Reduce(Box<Reduce>),
    /// Fully connected.
    Dense(Box<Dense>),
    /// Value by value.
    Rowwise(Box<Rowwise>),
}

impl Step {
    fn items(&self) -> usize {
        match self {
            Self::Convolution(step) => step.items(),
            Self::Winograd(step) => step.items(),
            Self::Depthwise(step) => step.items(),
            Self::Direct(step) => step.items(),
            Self::Reduce(step) => step.items(),
            Self::Dense(step) => step.items(),
            Self::Rowwise(step) => step.items(),
        }
    }

    fn reads(&self) -> Vec<&Map> {
        match self {
            Self::Convolution(step) => step.reads().collect(),
            Self::Winograd(step) => step.reads().collect(),
            Self::Depthwise(step) => vec![step.input()],
            Self::Direct(step) => vec![step.input()],
            Self::Reduce(step) => vec![step.input()],
            Self::Dense(step) => vec![step.input()],
            Self::Rowwise(step) => step.reads().collect(),
        }
    }

    fn writes(&self) -> &Map {
        match self {
            Self::Convolution(step) => step.output(),
            Self::Winograd(step) => step.output(),
            Self::Depthwise(step) => step.planes.output(),
            Self::Direct(step) => step.output(),
            Self::Reduce(step) => step.output(),
            Self::Dense(step) => step.output(),
            Self::Rowwise(step) => step.output(),
        }
    }

    /// Whether an output row may be the very row of an input or residual at the same place in its list.
    fn in_place(&self) -> bool {
        matches!(self, Self::Rowwise(_))
    }

    fn scratch(&self) -> usize {
        match self {
            Self::Convolution(step) => step.scratch(),
            Self::Winograd(step) => step.scratch(),
            Self::Depthwise(step) => step.planes.scratch(),
            Self::Direct(step) => step.scratch(),
            Self::Reduce(step) => step.scratch(),
            Self::Dense(step) => step.scratch(),
            Self::Rowwise(_) => 0,
        }
    }

    pub(super) fn weights(&mut self) -> Option<&mut Packed> {
        match self {
            Self::Convolution(step) => Some(&mut step.weights),
            Self::Winograd(step) => Some(&mut step.weights),
            Self::Direct(step) => Some(&mut step.weights),
            Self::Dense(step) => Some(&mut step.weights),
            Self::Depthwise(_) | Self::Reduce(_) | Self::Rowwise(_) => None,
        }
    }

    /// The planes it works in.
    fn planes(&mut self) -> Option<&mut Planes> {
        match self {
            Self::Convolution(step) => match &mut step.sink {
                Sink::Depthwise { planes, .. } => Some(planes),
                Sink::Rows(_) | Sink::Mean(_) => None,
            },
            Self::Depthwise(step) => Some(&mut step.planes),
            _ => None,
        }
    }

    /// # Safety
    /// The step was accepted by [`Program::new`] with this arena's length and scratch of the length found there; the
    /// steps it depends on are complete, and no item runs twice or beside a step that it depends on.
    unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        // SAFETY: handed on.
        unsafe {
            match self {
                Self::Convolution(step) => step.run(item, arena, scratch),
                Self::Winograd(step) => step.run(item, arena, scratch),
                Self::Depthwise(step) => step.run(item, arena, scratch),
                Self::Direct(step) => step.run(item, arena, scratch),
                Self::Reduce(step) => step.run(item, arena, scratch),
                Self::Dense(step) => step.run(item, arena, scratch),
                Self::Rowwise(step) => step.run(item, arena),
            }
        }
    }
}

/// Why steps cannot run in an arena; a mistake of whoever planned them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A row lies outside the arena.
    OutOfBounds {
        /// The step's index.
        step: usize,
    },
    /// Memory written in a phase is also read or written otherwise in it.
    Overlap {
        /// The phase's index.
        phase: usize,
    },
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
    /// Whether every step is a phase of its own in this run.
    apart: AtomicBool,
}

impl Program {
    /// Checks that all rows lie in an arena of `floats`, and that no step of a phase touches what another writes.
    ///
    /// # Errors
    /// Where they do not.
    pub fn new(
        mut steps: Vec<Step>,
        phases: Vec<Range<usize>>,
        floats: usize,
        threads: usize,
    ) -> Result<Self, Conflict> {
        let mut at = floats.next_multiple_of(16);
        let weights = steps.iter_mut().filter_map(Step::weights).map(|weights| weights.room()).sum::<usize>();
        let mut arena = Arena::new(at + weights);
        for (index, step) in steps.iter().enumerate() {
            let within = |map: &Map| map.extents().all(|extent| extent.end <= floats);
            if !step.reads().into_iter().all(within) || !within(step.writes()) {
                return Err(Conflict::OutOfBounds { step: index });
            }
        }
        for (index, phase) in phases.iter().enumerate() {
            if overlaps(&steps[phase.clone()]) {
                return Err(Conflict::Overlap { phase: index });
            }
        }
        for weights in steps.iter_mut().filter_map(Step::weights) {
            weights.settle(&mut arena, at);
            at += weights.room();
        }
        if cfg!(feature = "redzones") {
            arena.forbid_all();
            for step in &mut steps {
                step.reads().into_iter().chain([step.writes()]).flat_map(Map::extents).for_each(|row| arena.allow(row));
                step.weights().into_iter().for_each(|weights| arena.allow(weights.place()));
            }
        }
        let scratch = lay_out_scratch(&mut steps);
        Ok(Self {
            items: steps.iter().map(|step| Items::new(step.items(), threads)).collect(),
            scratch: (0..threads.max(1)).map(|_| Mutex::new(Arena::new(scratch))).collect(),
            apart: AtomicBool::new(false),
            steps,
            phases,
            arena,
        })
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// One thread's part of a run; `mark` is called after each step where steps run apart.
    fn work(&self, member: &Member<'_>, mark: &mut dyn FnMut()) -> Result<(), Stop> {
        // Poisoned only after a panic, after which nothing runs any more.
        let mut scratch = self.scratch[member.index].lock().map_err(|_| Stop::Panicked)?;
        if self.apart.load(Ordering::Relaxed) {
            for step in 0..self.steps.len() {
                self.share(member, step, &mut scratch);
                member.wait(&self.items[step])?;
                mark();
            }
        } else {
            for phase in &self.phases {
                for step in phase.clone() {
                    self.share(member, step, &mut scratch);
                }
                for step in phase.clone() {
                    member.wait(&self.items[step])?;
                }
            }
        }
        Ok(())
    }

    fn share(&self, member: &Member<'_>, step: usize, scratch: &mut Arena) {
        member.share(&self.items[step], |item| {
            // SAFETY: `new` accepted the step; each item is handed out once a run; this thread has waited for all items
            // of the phases before this one, which hold everything it depends on.
            unsafe { self.steps[step].run(item, &self.arena, scratch) }
        });
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

/// Gives planes of equal layout their place behind the scratch that all steps share; returns the floats of both.
pub(super) fn lay_out_scratch(steps: &mut [Step]) -> usize {
    // What kernels may read past the end of what they use.
    const BEHIND: usize = 64;
    let common = steps.iter().map(Step::scratch).max().unwrap_or(0).next_multiple_of(16);
    let mut layouts: Vec<(PlaneLayout, usize)> = Vec::new();
    let mut end = common;
    for step in steps {
        let Some(planes) = step.planes() else { continue };
        let layout = planes.layout();
        let known = layouts.iter().find(|(known, _)| *known == layout).map(|(_, at)| *at);
        planes.scratch_at = known.unwrap_or_else(|| {
            let at = end;
            layouts.push((layout, at));
            end += super::matmul::MAX_ROWS * layout.pitch();
            at
        });
    }
    end + BEHIND
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

    /// The program.
    pub fn program(&self) -> &Program {
        self.pool.job()
    }

    /// Runs all steps.
    ///
    /// # Errors
    /// Where a thread panics, now or in an earlier run.
    pub fn run(&mut self) -> Result<(), Panicked> {
        self.pool.job().apart.store(false, Ordering::Relaxed);
        self.pool.run()
    }

    /// Runs all steps one after another, calling `mark` after each.
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
        // SAFETY: inside the arena, and between runs no thread has an item, so nobody else touches it.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), arena.base().add(at), values.len()) }
    }

    /// Reads from offset `at` of the arena.
    ///
    /// # Panics
    /// Where `values` do not lie inside it.
    pub fn read(&self, at: usize, values: &mut [f32]) {
        let arena = &self.pool.job().arena;
        assert!(at.checked_add(values.len()).is_some_and(|end| end <= arena.len()));
        // SAFETY: inside the arena; a run needs `&mut self`, so none is going on.
        unsafe { std::ptr::copy_nonoverlapping(arena.base().add(at), values.as_mut_ptr(), values.len()) }
    }
}
