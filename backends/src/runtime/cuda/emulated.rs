//! A card that the processor plays, for tests: the kernels' very texts, compiled by g++ with our emulator.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use super::compile::Network;
use super::kernels::{Card, Form, GpuKernel, ImageStrides, Source, Variant};
use super::machine::{Board, Machine, Stamps, Untaken};
use crate::runtime::DeviceFault;
use crate::runtime::gpu::choices::Choice;
use crate::runtime::plan::KernelSpec;
use crate::units::Nanos;

#[path = "../../../tests/cuda/program.rs"]
mod program;

pub use program::compiler;

/// A card on paper: every form of every kernel can be had, and of each a time is known that makes the tuner's choice and the
/// cuts of chains arbitrary.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    pub card: Card,
    /// What the times are made from; 0: nothing is known, so that guesses decide.
    pub seed: u64,
    /// Only what is compiled beforehand.
    pub portable: bool,
}

impl Machine for Paper {
    fn memory(&self) -> u64 {
        1 << 34
    }

    fn variants(&self, kernel: &GpuKernel) -> Vec<Variant> {
        if self.portable { kernel.portable(&self.card) } else { kernel.variants(&self.card) }
    }

    fn choice(&self, kernel: &KernelSpec, strides: ImageStrides) -> Option<Choice<Variant>> {
        if self.seed == 0 {
            return None;
        }
        let text = format!("{} {kernel} {strides:?}", self.seed);
        let hash = text
            .bytes()
            .fold(self.seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(23));
        let made = GpuKernel::of(kernel, &strides).ok()?;
        let variants = self.variants(&made);
        let variant = *variants.get((hash % variants.len().max(1) as u64) as usize)?;
        Some(Choice { variant, time: Nanos(1 + hash / 7 % 1000) })
    }

    fn compile_all(&self, _: &[&Source]) {}

    /// Now and then one is refused, so that another form must do.
    fn takes(&self, source: &Source) -> Result<(), Untaken> {
        let is_odd = self.seed % 5 == 4 && source.grid[0] % 7 == 3 && source.cluster > 1;
        if is_odd { Err(Untaken::Text("no room for a cluster".to_owned())) } else { Ok(()) }
    }
}

/// Kernels of some networks, compiled together.
#[derive(Debug)]
pub struct Program {
    folder: tempfile::TempDir,
}

impl Program {
    /// The program, and for each network the number of each launch's kernel.
    pub fn of(compiler: &std::path::Path, networks: &[&Network]) -> Result<(Arc<Self>, Vec<Vec<usize>>), String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let sources = networks.iter().flat_map(|network| network.launches.iter().map(|launch| &launch.source));
        let text = |source: &Source| (source.defines(Form::Generic), source.entry, source.parts, source.names());
        let texts =
            sources.map(text).map(|(defines, entry, parts, names)| program::Text { defines, entry, parts, names });
        let (code, numbers) = program::program_of(texts, include_str!("../../../tests/cuda/network.h"));
        program::compile(compiler, &code, &folder.path().join("kernels"))?;
        let mut numbers = numbers.into_iter();
        let each = networks.iter().map(|network| numbers.by_ref().take(network.launches.len()).collect()).collect();
        Ok((Arc::new(Self { folder }), each))
    }
}

/// A network in the emulator.
#[derive(Debug)]
pub struct Emulated {
    program: Arc<Program>,
    /// Weights, lists of offsets, then the banks.
    memories: Vec<Vec<u8>>,
    /// Each launch as the program reads it.
    launches: Vec<Vec<u8>>,
    /// How many runs there were: each has the threads in another order.
    runs: i32,
}

impl Emulated {
    pub fn new(program: Arc<Program>, network: &Network, numbers: &[usize]) -> Self {
        let mut memories = vec![network.weights.clone(), network.tables.clone()];
        // What nobody wrote is not a number.
        memories.extend(network.banks.iter().map(|&bytes| vec![0xFF; bytes]));
        let launch = |(launch, &number): (&super::compile::Launch, &usize)| {
            let Source { grid, block, cluster, shared, .. } = launch.source;
            let [x, y, second] = launch.banks.map(|bank| bank + 2);
            let mut bytes = Vec::new();
            let mut put = |value: i64| bytes.extend((value as i32).to_le_bytes());
            put(number as i64);
            grid.iter().chain([&block, &cluster, &shared]).for_each(|&value| put(value.into()));
            let parts = [(x, 0), (y, 0), (0, launch.weights_at), (1, launch.table_at), (second, 0)];
            parts.into_iter().for_each(|(memory, at)| [memory, at].into_iter().for_each(|value| put(value as i64)));
            launch.source.arguments().iter().for_each(|&value| put(value.into()));
            bytes
        };
        let launches = network.launches.iter().zip(numbers).map(launch).collect();
        Self { program, memories, launches, runs: 0 }
    }

    fn run(&mut self, which: std::ops::Range<usize>) -> Result<(), DeviceFault> {
        let other = |reason: String| DeviceFault::Other { reason };
        let [input, output]: [PathBuf; 2] = ["network", "results"].map(|name| self.program.folder.path().join(name));
        let mut file = Vec::new();
        let put = |file: &mut Vec<u8>, value: usize| file.extend((value as i32).to_le_bytes());
        put(&mut file, (self.runs % 3) as usize);
        self.runs += 1;
        put(&mut file, self.memories.len());
        self.memories.iter().for_each(|memory| put(&mut file, memory.len()));
        self.memories.iter().for_each(|memory| file.extend(memory));
        put(&mut file, which.len());
        self.launches[which].iter().for_each(|launch| file.extend(launch));
        std::fs::write(&input, file).map_err(|error| other(error.to_string()))?;
        let ran = Command::new(self.program.folder.path().join("kernels")).arg(&input).arg(&output).output();
        let ran = ran.map_err(|error| other(error.to_string()))?;
        if !ran.status.success() {
            let said = String::from_utf8_lossy(&ran.stderr);
            return Err(other(format!("{}: {:?}", ran.status, said.lines().rev().take(2).collect::<Vec<_>>())));
        }
        let results = std::fs::read(&output).map_err(|error| other(error.to_string()))?;
        let constants = [self.memories[0].clone(), self.memories[1].clone()];
        let mut rest = results.as_slice();
        for memory in &mut self.memories {
            let (mine, behind) = rest.split_at_checked(memory.len()).ok_or_else(|| other("too little".to_owned()))?;
            memory.copy_from_slice(mine);
            rest = behind;
        }
        if self.memories[..2] != constants {
            return Err(other("weights or lists were written".to_owned()));
        }
        Ok(())
    }
}

impl Board for Emulated {
    fn write(&mut self, bank: usize, at: u64, bytes: &[u8]) -> Result<(), DeviceFault> {
        self.memories[2 + bank][at as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self, bank: usize, at: u64, bytes: &mut [u8]) -> Result<(), DeviceFault> {
        bytes.copy_from_slice(&self.memories[2 + bank][at as usize..][..bytes.len()]);
        Ok(())
    }

    fn start(&mut self, stamps: Stamps) -> Result<(), DeviceFault> {
        if stamps == Stamps::None { self.run(0..self.launches.len()) } else { Ok(()) }
    }

    fn step(&mut self, index: usize) -> Result<(), DeviceFault> {
        self.run(index..index + 1)
    }

    fn wait(&mut self) -> Result<(), DeviceFault> {
        Ok(())
    }

    fn stamps(&mut self) -> Result<Vec<u64>, DeviceFault> {
        Ok(Vec::new())
    }
}
