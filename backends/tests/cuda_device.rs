//! The CUDA kernels on a card, where there is one, against plain loops on random shapes; skipped elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests and their helpers")]

#[path = "cuda/cases.rs"]
mod cases;
#[path = "cuda/emulation.rs"]
#[allow(dead_code, unused_imports, reason = "nothing is emulated here")]
mod emulation;
#[path = "cuda/naive.rs"]
mod naive;
#[path = "cuda/program.rs"]
#[allow(dead_code, reason = "nothing is emulated here")]
mod program;
#[path = "../../networks/tests/support/random.rs"]
mod random;
#[path = "cuda/specs.rs"]
mod specs;

use std::sync::Arc;

use cases::{Case, case, fault, of_shufflenet, portable_case};
use emulation::{Bank, Job};
use random::Random;
use shufflescope_backends::runtime::Precision;
use shufflescope_backends::runtime::cuda::CudaError;
use shufflescope_backends::runtime::cuda::code_cache::CodeCache;
use shufflescope_backends::runtime::cuda::context::{Context, Memory, Stream};
use shufflescope_backends::runtime::cuda::driver;
use shufflescope_backends::runtime::cuda::kernels::{Form, GpuKernel, ImageStrides};
use shufflescope_backends::runtime::cuda::launch::{Arguments, Event, Function, Graph};
use shufflescope_backends::runtime::cuda::nvrtc::{Nvrtc, Target};
use shufflescope_backends::runtime::cuda::portable;

/// A card with its compiler.
struct Bench {
    context: Arc<Context>,
    stream: Stream,
    nvrtc: Option<Nvrtc>,
    cache: CodeCache,
}

impl Bench {
    /// `None` where there is no card: said once.
    fn new() -> Option<Self> {
        let context = match Context::new(0) {
            Ok(context) => context,
            Err(error) => {
                eprintln!("skipped: {error}");
                return None;
            }
        };
        let nvrtc = Nvrtc::find().map_err(|error| eprintln!("{error}")).ok();
        let stream = Stream::new(&context).unwrap();
        eprintln!("{:?}, NVRTC {:?}", context.device(), nvrtc.as_ref().map(Nvrtc::version));
        let folder = std::env::var_os("SHUFFLESCOPE_KERNELS").map(Into::into);
        Some(Self { context, stream, nvrtc, cache: CodeCache::new(folder, driver::driver_version().unwrap()) })
    }

    /// As [`new`](Self::new), with a compiler.
    fn with_compiler() -> Option<Self> {
        let bench = Self::new()?;
        if bench.nvrtc.is_none() {
            eprintln!("skipped: there is no compiler");
            return None;
        }
        Some(bench)
    }

    /// Machine code of all jobs, by as many threads as there are; `None` where this compiler has not what a text needs.
    fn compile(&self, jobs: &[&Job]) -> Vec<Option<Vec<u8>>> {
        let next = std::sync::atomic::AtomicUsize::new(0);
        let made = std::sync::Mutex::new(vec![None; jobs.len()]);
        let target = Target::Card(self.context.device().card.capability);
        let Some(nvrtc) = &self.nvrtc else { return vec![None; jobs.len()] };
        let cache = &self.cache;
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(job) = jobs.get(index) else { return };
                        let code = cache.code(nvrtc, job.source.entry, &job.source.text(job.form), target);
                        let code = code.map_err(|error| eprintln!("{error}")).ok();
                        made.lock().unwrap()[index] = code;
                    }
                });
            }
        });
        made.into_inner().unwrap()
    }

    fn place(&self, job: &Job, code: &[u8]) -> Result<Placed, CudaError> {
        let function = Function::load(&self.context, code, &job.source)?;
        let table: Vec<u8> = job.table.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        let banks = job.banks.iter().map(|bank| &bank.bytes[..]);
        let mut memory = Vec::new();
        for bytes in [&job.weights[..], &table].into_iter().chain(banks) {
            let part = Memory::new(&self.context, bytes.len())?;
            part.write(0, bytes)?;
            memory.push(part);
        }
        let bank = |which: usize| memory[2 + job.of[which]].address();
        let arguments = Arguments {
            x: bank(0),
            y: bank(1),
            second: bank(2),
            w: memory[0].address(),
            table: memory[1].address(),
            sizes: job.source.arguments(),
        };
        Ok(Placed { function, arguments, memory })
    }
}

struct Placed {
    function: Function,
    arguments: Arguments,
    memory: Vec<Memory>,
}

impl Placed {
    fn result(&self, job: &Job) -> Bank {
        let mut bank = job.banks[job.of[1]].clone();
        self.memory[2 + job.of[1]].read(0, &mut bank.bytes).unwrap();
        bank
    }
}

/// Runs all cases, in a stream or as a recorded graph, each before the one after it is done where `early`.
fn check(bench: &Bench, cases: &[Case], recorded: bool, early: bool) {
    let jobs: Vec<&Job> = cases.iter().map(|case| &case.job).collect();
    let codes = bench.compile(&jobs);
    check_compiled(bench, cases, codes, (recorded, early));
}

fn check_compiled(bench: &Bench, cases: &[Case], codes: Vec<Option<Vec<u8>>>, (recorded, early): (bool, bool)) {
    let mut placed = Vec::new();
    for (case, code) in cases.iter().zip(codes) {
        match code.map(|code| bench.place(&case.job, &code)) {
            Some(Ok(one)) => placed.push((case, one)),
            Some(Err(error)) => eprintln!("{}: {error}", case.rest.what),
            None => {}
        }
    }
    assert!(placed.len() * 10 > cases.len() * 9, "{} of {} kernels could be loaded", placed.len(), cases.len());
    let all = |stream: &Stream| {
        for (number, (_, one)) in placed.iter().enumerate() {
            one.function.launch(stream, &one.arguments, early && number > 0)?;
        }
        Ok(())
    };
    if recorded {
        Graph::record(&bench.stream, all).unwrap().launch(&bench.stream).unwrap();
    } else {
        all(&bench.stream).unwrap();
    }
    bench.stream.wait().unwrap();
    let faults: Vec<String> = placed
        .iter()
        .filter_map(|(case, one)| {
            let wrong = fault(&case.rest, &one.result(&case.job))?;
            Some(format!("{}: {wrong}\n{}", case.rest.what, emulation::describe(&case.job)))
        })
        .collect();
    assert!(faults.is_empty(), "{} of {} are wrong:\n{}", faults.len(), placed.len(), faults.join("\n"));
}

fn precisions(bench: &Bench) -> Vec<Precision> {
    let tf32 = bench.context.device().card.has_tf32().then_some(Precision::Tf32);
    [Precision::F32, Precision::F16].into_iter().chain(tf32).collect()
}

#[test]
fn random_kernels_on_the_card_are_those_of_plain_loops() {
    let Some(bench) = Bench::with_compiler() else { return };
    let rounds = std::env::var("SHUFFLESCOPE_DEVICE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(4);
    let mut random = Random::default();
    for round in 0..rounds {
        let mut cases = Vec::new();
        for kind in specs::KINDS {
            for precision in precisions(&bench) {
                let specs::Spec { spec, flattened } = specs::random(kind, precision, &mut random);
                let pick = random.below(12);
                cases.extend(case(&spec, flattened, &bench.context.device().card, pick, &mut random));
            }
        }
        check(&bench, &cases, round % 2 == 1, round % 4 >= 2);
    }
}

#[test]
fn kernels_compiled_beforehand_load() {
    let Some(bench) = Bench::new() else { return };
    for source in portable::sources() {
        let ptx = portable::ptx(&source)
            .unwrap_or_else(|| panic!("{}: the file was made from other texts: run ptx/make.sh", source.key()));
        Function::load(&bench.context, ptx.as_bytes(), &source)
            .unwrap_or_else(|error| panic!("{}: {error}", source.key()));
    }
}

#[test]
fn kernels_compiled_beforehand_run_without_the_compiler() {
    let Some(bench) = Bench::new() else { return };
    let card = bench.context.device().card;
    let mut random = Random::default();
    let mut cases = Vec::new();
    for kind in specs::KINDS.into_iter().cycle().take(2 * specs::KINDS.len()) {
        for precision in [Precision::F32, Precision::F16] {
            let specs::Spec { spec, flattened } = specs::random(kind, precision, &mut random);
            let pick = random.below(12);
            // Chains that need the compiler have none: their steps are launched one by one.
            cases.extend(portable_case(&spec, flattened, &card, pick, &mut random));
        }
    }
    assert!(cases.len() > specs::KINDS.len(), "{}", cases.len());
    let code = |case: &Case| {
        let ptx = portable::ptx(&case.job.source);
        let told = || format!("{}: {} was not compiled beforehand", case.rest.what, case.job.source.key());
        Some(ptx.unwrap_or_else(|| panic!("{}", told())).as_bytes().to_vec())
    };
    let codes = cases.iter().map(code).collect();
    check_compiled(&bench, &cases, codes, (true, false));
}

#[test]
#[ignore = "a race: run on a card of your own, with --nocapture"]
fn variants_of_shufflenet_are_timed() {
    const CHAIN: usize = 16;
    let Some(bench) = Bench::with_compiler() else { return };
    let card = bench.context.device().card;
    let mut random = Random::default();
    for precision in precisions(&bench) {
        for spec in of_shufflenet(precision) {
            let kernel = GpuKernel::of(&spec, &ImageStrides::plain(&spec)).unwrap();
            let count = kernel.variants(&card).len();
            let mut cases: Vec<Case> =
                (0..count).filter_map(|pick| case(&spec, None, &card, pick, &mut random)).collect();
            cases.iter_mut().for_each(|case| case.job.form = Form::Baked);
            check(&bench, &cases, true, false);
            let jobs: Vec<&Job> = cases.iter().map(|case| &case.job).collect();
            let mut times = Vec::new();
            for ((job, variant), code) in jobs.iter().zip(kernel.variants(&card)).zip(bench.compile(&jobs)) {
                let Some(Ok(one)) = code.map(|code| bench.place(job, &code)) else { continue };
                let work = |stream: &Stream| {
                    (0..CHAIN).try_for_each(|number| one.function.launch(stream, &one.arguments, number > 0))
                };
                let graph = Graph::record(&bench.stream, work).unwrap();
                let [start, end] = [(); 2].map(|()| Event::new(&bench.context).unwrap());
                let best = (0..6)
                    .map(|_| {
                        start.record(&bench.stream).unwrap();
                        graph.launch(&bench.stream).unwrap();
                        end.record(&bench.stream).unwrap();
                        bench.stream.wait().unwrap();
                        start.nanoseconds_to(&end).unwrap()
                    })
                    .fold(f64::INFINITY, f64::min);
                times.push(format!("{variant} {:.2}", best / CHAIN as f64 / 1000.0));
            }
            eprintln!("{spec} {precision:?}\n    us: {}", times.join(" | "));
        }
    }
}
