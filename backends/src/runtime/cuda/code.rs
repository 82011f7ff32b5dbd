//! Where machine code comes from: NVRTC where it is found, else PTX that was made beforehand.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::code_cache::CodeCache;
use super::context::Context;
use super::kernels::peak::Peak;
use super::kernels::{Card, Form, GpuKernel, Source, Variant};
use super::launch::Module;
use super::nvrtc::{Nvrtc, NvrtcError, Target};
use super::portable;
use crate::runtime::KernelCode;

/// The folder of compiled kernels within that in which a device remembers.
const FOLDER: &str = "cuda-kernels";

/// What makes code of a text.
#[derive(Debug)]
pub(super) enum Compiler {
    /// NVIDIA's run-time compiler, and what it made before.
    Nvrtc(Box<Nvrtc>, CodeCache),
    /// There is none, for this reason.
    Beforehand(NvrtcError),
}

impl Compiler {
    /// The compiler of this machine, with a driver of such a version.
    pub fn find(folder: Option<&Path>, driver: i32) -> Self {
        match Nvrtc::find() {
            Ok(nvrtc) => Self::Nvrtc(Box::new(nvrtc), CodeCache::new(folder.map(|folder| folder.join(FOLDER)), driver)),
            Err(reason) => Self::Beforehand(reason),
        }
    }

    /// The same, or none where it does not know the card or makes code that the driver does not load.
    pub fn tried_on(self, context: &Arc<Context>) -> Self {
        let Self::Nvrtc(nvrtc, _) = &self else { return self };
        let unusable = |problem| NvrtcError::Unusable { path: nvrtc.path().to_owned(), problem };
        let code = self.code(&Peak::Launch.source(1), &context.device().card);
        let loaded = code.and_then(|code| Module::load(context, &code).map_err(|error| error.to_string()));
        match loaded {
            Ok(_) => self,
            Err(problem) => Self::Beforehand(unusable(problem)),
        }
    }

    /// Where code comes from, for people.
    pub fn told(&self) -> KernelCode {
        match self {
            Self::Nvrtc(..) => KernelCode::Compiled,
            Self::Beforehand(_) => KernelCode::Beforehand,
        }
    }

    /// What tells its code from another's.
    pub fn name(&self) -> String {
        match self {
            Self::Nvrtc(nvrtc, _) => format!("nvrtc {}.{}", nvrtc.version().0, nvrtc.version().1),
            Self::Beforehand(_) => "portable".to_owned(),
        }
    }

    /// The form of texts that it makes code of.
    pub const fn form(&self) -> Form {
        match self {
            Self::Nvrtc(..) => Form::Baked,
            Self::Beforehand(_) => Form::Generic,
        }
    }

    /// The forms of a kernel that can be had, best guess first.
    pub fn variants(&self, kernel: &GpuKernel, card: &Card) -> Vec<Variant> {
        match self {
            Self::Nvrtc(..) => kernel.variants(card),
            Self::Beforehand(_) => {
                let has_code =
                    |variant: &Variant| kernel.source(*variant).is_ok_and(|source| portable::ptx(&source).is_some());
                kernel.portable(card).into_iter().filter(has_code).collect()
            }
        }
    }

    /// Machine code, or PTX where it was made beforehand.
    ///
    /// # Errors
    /// What the compiler says, or why there is none.
    pub fn code(&self, source: &Source, card: &Card) -> Result<Cow<'static, [u8]>, String> {
        match self {
            Self::Nvrtc(nvrtc, cache) => {
                let text = source.text(Form::Baked);
                let code = cache.code(nvrtc, source.entry, &text, Target::Card(card.capability));
                code.map(Cow::Owned).map_err(|error| error.to_string())
            }
            Self::Beforehand(reason) => {
                let ptx = portable::ptx(source).map(|ptx| Cow::Borrowed(ptx.as_bytes()));
                ptx.ok_or_else(|| reason.to_string())
            }
        }
    }
}
