//! NVIDIA's compiler as a library, loaded at run time from wherever it is: a toolkit, PyPI's wheel, a folder that is set.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};

use libloading::Library;
use thiserror::Error;

use super::nvrtc_places;

/// Why nothing was compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NvrtcError {
    /// The library is nowhere.
    #[error(
        "NVIDIA's run-time compiler (NVRTC) was not found: install the CUDA toolkit or PyPI's `nvidia-cuda-nvrtc`, or set \
         `{setting}` to the folder that has it"
    )]
    Absent {
        /// The variable that says where it is.
        setting: &'static str,
    },
    /// It is there, and is no NVRTC or not one for this card and driver.
    #[error("NVRTC at {path} is of no use here: {problem}")]
    Unusable {
        /// The library.
        path: PathBuf,
        /// What loader, compiler or driver say.
        problem: String,
    },
    /// The card is older or newer than the compiler knows.
    #[error("NVRTC {}.{} does not compile for compute capability {capability}: another version does", .version.0, .version.1)]
    Architecture {
        /// The compiler's version.
        version: (i32, i32),
        /// Compute capability times ten.
        capability: u32,
    },
    /// The text has a fault.
    #[error("NVRTC refuses the kernel `{kernel}`: {log}")]
    Refused {
        /// The kernel's name.
        kernel: String,
        /// What the compiler says.
        log: String,
    },
}

type Program = *mut c_void;
type Status = c_int;
type Size = unsafe extern "C" fn(Program, *mut usize) -> Status;
type Bytes = unsafe extern "C" fn(Program, *mut c_char) -> Status;

const INVALID_OPTION: Status = 5;

/// The loaded compiler. It may be used by several threads at once.
#[derive(Debug)]
pub struct Nvrtc {
    version: (i32, i32),
    path: PathBuf,
    create: unsafe extern "C" fn(
        *mut Program,
        *const c_char,
        *const c_char,
        c_int,
        *const *const c_char,
        *const *const c_char,
    ) -> Status,
    compile: unsafe extern "C" fn(Program, c_int, *const *const c_char) -> Status,
    log_size: Size,
    log: Bytes,
    code_size: Size,
    code: Bytes,
    ptx_size: Size,
    ptx: Bytes,
    destroy: unsafe extern "C" fn(*mut Program) -> Status,
    // The functions above are its own: it goes last.
    _library: Library,
}

/// What a compilation makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Machine code for cards of exactly this compute capability (times ten).
    Card(u32),
    /// PTX for cards of this compute capability (times ten) and later ones: the driver finishes it.
    Ptx(u32),
}

impl Target {
    /// The compiler's options.
    #[must_use]
    pub fn options(self) -> Vec<String> {
        let architecture = match self {
            Self::Card(capability) => format!("--gpu-architecture=sm_{capability}"),
            Self::Ptx(capability) => format!("--gpu-architecture=compute_{capability}"),
        };
        vec![architecture, "--std=c++17".to_owned(), "--disable-warnings".to_owned()]
    }

    const fn capability(self) -> u32 {
        match self {
            Self::Card(capability) | Self::Ptx(capability) => capability,
        }
    }
}

impl Nvrtc {
    /// The first one found: in the folder that is set, by the system's loader, in toolkits, in PyPI's wheels.
    ///
    /// # Errors
    /// Where there is none.
    pub fn find() -> Result<Self, NvrtcError> {
        let absent = NvrtcError::Absent { setting: nvrtc_places::SETTING };
        nvrtc_places::all().iter().find_map(|path| Self::open(path).ok()).ok_or(absent)
    }

    /// The library at a path, or of a name that the system's loader finds.
    ///
    /// # Errors
    /// Where it cannot be loaded.
    pub fn open(path: &Path) -> Result<Self, NvrtcError> {
        let unusable = |problem: String| NvrtcError::Unusable { path: path.to_owned(), problem };
        // SAFETY: a library of this name is NVIDIA's; loading it runs nothing but its own initialisation.
        let library = unsafe { Library::new(path) }.map_err(|error| unusable(error.to_string()))?;
        macro_rules! function {
            ($name:literal) => {
                // SAFETY: the symbol has had this type since CUDA 11.1; the library lives as long as the pointer.
                *unsafe { library.get($name) }.map_err(|error| unusable(error.to_string()))?
            };
        }
        let ask: unsafe extern "C" fn(*mut c_int, *mut c_int) -> Status = function!(b"nvrtcVersion\0");
        let (mut major, mut minor) = (0, 0);
        // SAFETY: both are places for an integer.
        if unsafe { ask(&raw mut major, &raw mut minor) } != 0 {
            return Err(unusable("it does not say its version".to_owned()));
        }
        Ok(Self {
            version: (major, minor),
            path: path.to_owned(),
            create: function!(b"nvrtcCreateProgram\0"),
            compile: function!(b"nvrtcCompileProgram\0"),
            log_size: function!(b"nvrtcGetProgramLogSize\0"),
            log: function!(b"nvrtcGetProgramLog\0"),
            code_size: function!(b"nvrtcGetCUBINSize\0"),
            code: function!(b"nvrtcGetCUBIN\0"),
            ptx_size: function!(b"nvrtcGetPTXSize\0"),
            ptx: function!(b"nvrtcGetPTX\0"),
            destroy: function!(b"nvrtcDestroyProgram\0"),
            _library: library,
        })
    }

    /// Major and minor version.
    #[must_use]
    pub const fn version(&self) -> (i32, i32) {
        self.version
    }

    /// Where it was found.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Compiles a text.
    ///
    /// # Errors
    /// Where the compiler refuses it, or does not know the card.
    pub fn compile(&self, kernel: &str, text: &str, target: Target) -> Result<Vec<u8>, NvrtcError> {
        let refused = |log: &str| NvrtcError::Refused { kernel: kernel.to_owned(), log: log.to_owned() };
        let zero = |_| refused("it has a zero byte");
        let (text, name) = (CString::new(text).map_err(zero)?, CString::new(format!("{kernel}.cu")).map_err(zero)?);
        let options: Vec<CString> =
            target.options().into_iter().map(CString::new).collect::<Result<_, _>>().map_err(zero)?;
        let options: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let mut program = Owned { program: std::ptr::null_mut(), destroy: self.destroy };
        let null = std::ptr::null();
        // SAFETY: texts end with zero and outlive the call, which copies them; there are no headers.
        let created = unsafe { (self.create)(&raw mut program.program, text.as_ptr(), name.as_ptr(), 0, null, null) };
        if created != 0 {
            return Err(refused("no program could be made"));
        }
        // SAFETY: the program was made above; the options are as many as said and outlive the call.
        let status = unsafe { (self.compile)(program.program, options.len() as c_int, options.as_ptr()) };
        if status == INVALID_OPTION {
            return Err(NvrtcError::Architecture { version: self.version, capability: target.capability() });
        }
        if status != 0 {
            let log = take(&program, self.log_size, self.log).unwrap_or_default();
            let log = CStr::from_bytes_until_nul(&log).unwrap_or_default().to_string_lossy().into_owned();
            return Err(refused(&log));
        }
        let code = match target {
            Target::Card(_) => take(&program, self.code_size, self.code),
            Target::Ptx(_) => take(&program, self.ptx_size, self.ptx),
        };
        code.ok_or_else(|| refused("it gave no code"))
    }
}

/// A program that is destroyed with its owner.
struct Owned {
    program: Program,
    destroy: unsafe extern "C" fn(*mut Program) -> Status,
}

impl Drop for Owned {
    fn drop(&mut self) {
        if !self.program.is_null() {
            // SAFETY: it was made by the library and is destroyed once.
            unsafe { (self.destroy)(&raw mut self.program) };
        }
    }
}

/// What one function says the length of and another one writes.
fn take(program: &Owned, size: Size, bytes: Bytes) -> Option<Vec<u8>> {
    let mut length = 0;
    // SAFETY: the program lives; `length` is a place for a size.
    if unsafe { size(program.program, &raw mut length) } != 0 || length == 0 {
        return None;
    }
    let mut all = vec![0_u8; length];
    // SAFETY: the program lives; there is room for as many bytes as it said.
    (unsafe { bytes(program.program, all.as_mut_ptr().cast()) } == 0).then_some(all)
}
