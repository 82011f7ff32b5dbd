//! A card opened for computing, with what was compiled and found out for it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::code::Compiler;
use super::context::Context;
use super::kernels::{Card, Form, GpuKernel, ImageStrides, Source, Variant};
use super::launch::{Function, Module};
use super::machine::{Machine, Untaken};
use crate::device::Device;
use crate::device::cuda::{CudaError, driver};
use crate::runtime::gpu::choices::{Choice, Choices};
use crate::runtime::gpu::on_threads;
use crate::runtime::plan::KernelSpec;
use crate::runtime::{DeviceFault, PrepareError};

/// Most threads that compile kernels.
const MOST_THREADS: usize = 16;

/// A card of ours.
#[derive(Debug)]
pub(super) struct Gpu {
    pub context: Arc<Context>,
    pub compiler: Compiler,
    /// What was found out about kernels on this kind of card with this driver and compiler.
    pub choices: Choices<Variant>,
    /// Code that some network has on the card.
    modules: Mutex<HashMap<Text, Weak<Module>>>,
}

/// A text by what tells it from others: its function and its definitions.
type Text = (&'static str, String);

/// The cards that this process has opened.
static OPENED: Mutex<Vec<(usize, Arc<Gpu>)>> = Mutex::new(Vec::new());

impl Gpu {
    /// The card behind `device`, opened at its first use and kept.
    ///
    /// # Errors
    /// Where `device` is no card of NVIDIA's, or the driver refuses it.
    pub fn of(device: &Device) -> Result<Arc<Self>, PrepareError> {
        let Some(card) = device.cuda() else {
            return Err(candle_core::Error::msg(format!("`{}` is no NVIDIA GPU", device.id())).into());
        };
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, gpu)) = opened.iter().find(|(index, _)| *index == card.index) {
            return Ok(Arc::clone(gpu));
        }
        let gpu = Arc::new(Self::open(card.index, device)?);
        opened.push((card.index, Arc::clone(&gpu)));
        Ok(gpu)
    }

    fn open(index: usize, device: &Device) -> Result<Self, CudaError> {
        let (context, version) = (Context::new(index)?, driver::driver_version()?);
        let compiler = Compiler::find(device.memory_folder(), version).tried_on(&context);
        let card = context.device();
        let name = format!("cuda {} {} driver {version} {}", card.name, card.compute_capability(), compiler.name());
        let choices = Choices::new(&name, device.memory_folder());
        Ok(Self { context, compiler, choices, modules: Mutex::default() })
    }

    /// What a block may have.
    pub fn card(&self) -> Card {
        self.context.device().card
    }
}

/// Texts that are compiled for something together: their code stays on the card as long as this.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub gpu: &'a Gpu,
    kept: Mutex<HashMap<Text, Result<Arc<Module>, Untaken>>>,
}

impl<'a> Session<'a> {
    pub fn new(gpu: &'a Gpu) -> Self {
        Self { gpu, kept: Mutex::default() }
    }

    /// A text's function.
    ///
    /// # Errors
    /// Where compiler or driver refuse it, or the card fails.
    pub fn function(&self, source: &Source) -> Result<Function, Untaken> {
        let most_shared = match self.gpu.compiler.form() {
            Form::Baked => source.shared,
            Form::Generic => self.gpu.card().shared_bytes,
        };
        Function::of(&self.module(source)?, source, most_shared).map_err(untaken)
    }

    fn module(&self, source: &Source) -> Result<Arc<Module>, Untaken> {
        let text = (source.entry, source.defines(self.gpu.compiler.form()));
        if let Some(module) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&text) {
            return module.clone();
        }
        let module = self.load(source, &text);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(text, module.clone());
        module
    }

    fn load(&self, source: &Source, text: &Text) -> Result<Arc<Module>, Untaken> {
        let lock = || self.gpu.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = lock().get(text).and_then(Weak::upgrade) {
            return Ok(module);
        }
        let code = self.gpu.compiler.code(source, &self.gpu.card()).map_err(Untaken::Text)?;
        let module = Module::load(&self.gpu.context, &code).map_err(untaken)?;
        let mut modules = lock();
        modules.retain(|_, module| module.strong_count() > 0);
        modules.insert(text.clone(), Arc::downgrade(&module));
        Ok(module)
    }
}

fn untaken(error: CudaError) -> Untaken {
    match error {
        CudaError::Refused { .. } => Untaken::Text(error.to_string()),
        other => Untaken::Fault(DeviceFault::from(other)),
    }
}

impl Machine for Session<'_> {
    fn memory(&self) -> u64 {
        self.gpu.context.device().memory
    }

    fn variants(&self, kernel: &GpuKernel) -> Vec<Variant> {
        self.gpu.compiler.variants(kernel, &self.gpu.card())
    }

    fn choice(&self, kernel: &KernelSpec, strides: ImageStrides) -> Option<Choice<Variant>> {
        self.gpu.choices.get(kernel, strides)
    }

    fn compile_all(&self, sources: &[&Source]) {
        let form = self.gpu.compiler.form();
        let mut seen = HashSet::new();
        let apart: Vec<&&Source> =
            sources.iter().filter(|source| seen.insert((source.entry, source.defines(form)))).collect();
        on_threads(&apart, MOST_THREADS, |source| {
            let _made = self.module(source);
        });
    }

    fn takes(&self, source: &Source) -> Result<(), Untaken> {
        self.function(source).map(|_| ())
    }
}
