//! Kernels compiled by g++ for the emulator, and run on banks of memory.

use std::path::Path;
use std::process::Command;

use half::f16;
use shufflescope_backends::runtime::Precision;
use shufflescope_backends::runtime::cuda::kernels::{Form, Source};

pub use crate::program::compiler;
use crate::program::{Text, compile, program_of};

/// Memory of feature maps: elements of either precision.
#[derive(Clone)]
pub struct Bank {
    pub precision: Precision,
    pub bytes: Vec<u8>,
}

impl Bank {
    /// So many elements, none of them a number.
    pub fn new(precision: Precision, elements: usize) -> Self {
        Self { precision, bytes: vec![0xFF; elements * precision.bytes() as usize] }
    }

    pub fn set(&mut self, at: usize, value: f32) {
        match self.precision {
            Precision::F16 => self.bytes[at * 2..][..2].copy_from_slice(&f16::from_f32(value).to_le_bytes()),
            _ => self.bytes[at * 4..][..4].copy_from_slice(&value.to_le_bytes()),
        }
    }

    pub fn get(&self, at: usize) -> f32 {
        match self.precision {
            Precision::F16 => f16::from_le_bytes([self.bytes[at * 2], self.bytes[at * 2 + 1]]).to_f32(),
            _ => f32::from_le_bytes([0, 1, 2, 3].map(|i| self.bytes[at * 4 + i])),
        }
    }

    pub fn len(&self) -> usize {
        self.bytes.len() / self.precision.bytes() as usize
    }
}

/// One launch.
pub struct Job {
    pub source: Source,
    pub form: Form,
    pub weights: Vec<u8>,
    pub table: Vec<u32>,
    pub banks: Vec<Bank>,
    /// Banks of input, output and second operand.
    pub of: [usize; 3],
}

/// The output's bank after each job.
pub fn run(compiler: &Path, jobs: &[Job]) -> Result<Vec<Bank>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let [program, input, output] = ["kernels", "jobs", "results"].map(|name| folder.path().join(name));
    let texts = jobs.iter().map(|Job { source, form, .. }| Text {
        defines: source.defines(*form),
        entry: source.entry,
        parts: source.parts,
        names: source.names(),
    });
    let (code, numbers) = program_of(texts, include_str!("driver.h"));
    std::fs::write(&input, file_of(jobs, &numbers)).map_err(|error| error.to_string())?;
    compile(compiler, &code, &program)?;
    let run = Command::new(&program).arg(&input).arg(&output).output().map_err(|error| error.to_string())?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr);
        let last: Vec<_> = said.lines().rev().take(2).collect();
        let job =
            said.lines().rev().find_map(|line| line.strip_prefix("job ")?.split(',').next()?.parse::<usize>().ok());
        let what = job.map(|job| describe(&jobs[job])).unwrap_or_default();
        return Err(format!("{}: {last:?}\n{what}", run.status));
    }
    let results = std::fs::read(&output).map_err(|error| error.to_string())?;
    let mut at = 0;
    Ok(jobs
        .iter()
        .map(|job| {
            let mut bank = job.banks[job.of[1]].clone();
            let length = bank.bytes.len();
            bank.bytes.copy_from_slice(&results[at..at + length]);
            at += length;
            bank
        })
        .collect())
}

/// What a failing job was.
pub fn describe(job: &Job) -> String {
    let Source { entry, grid, block, cluster, shared, .. } = &job.source;
    let defines = job.source.defines(Form::Baked).replace('\n', "; ").replace("#define ", "");
    format!("{entry} {:?} grid {grid:?} block {block} cluster {cluster} shared {shared}: {defines}", job.form)
}

fn file_of(jobs: &[Job], numbers: &[usize]) -> Vec<u8> {
    let mut file = Vec::new();
    let number = |file: &mut Vec<u8>, value: usize| file.extend((value as i32).to_le_bytes());
    number(&mut file, jobs.len());
    for (job, &kernel) in jobs.iter().zip(numbers) {
        let Source { grid, block, cluster, shared, .. } = job.source;
        let head = [grid[0], grid[1], grid[2], block, cluster, shared].map(|size| size as usize);
        for value in [kernel].into_iter().chain(head).chain(job.of) {
            number(&mut file, value);
        }
        job.source.arguments().iter().for_each(|value| file.extend(value.to_le_bytes()));
        let table: Vec<u8> = job.table.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        let empty = Vec::new();
        let banks = (0..3).map(|bank| job.banks.get(bank).map_or(&empty, |bank| &bank.bytes));
        let parts: Vec<&Vec<u8>> = [&job.weights, &table].into_iter().chain(banks).collect();
        parts.iter().for_each(|part| number(&mut file, part.len()));
        parts.iter().for_each(|part| file.extend(part.iter()));
    }
    file
}
