//! Which of several forms computes a kernel fastest, and how long it takes: found once, remembered on disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ImageStrides;
use crate::files::{read_regular, write_atomically};
use crate::runtime::plan::KernelSpec;
use crate::units::{Bytes, Nanos};

/// Largest file that is read back.
const LARGEST_FILE: Bytes = Bytes(64 << 20);

/// Who wrote a file: another version's kernels are others.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was found out of one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runtime) struct Choice<V> {
    /// The fastest.
    pub variant: V,
    /// Device time of one launch; the host's where the device has no clock.
    #[serde(rename = "time_ns")]
    pub time: Nanos,
}

/// What is known of a device with its driver.
#[derive(Debug)]
pub(in crate::runtime) struct Choices<V> {
    file: Option<PathBuf>,
    known: Mutex<Known<V>>,
}

type ByKernel<V> = HashMap<(KernelSpec, ImageStrides), Choice<V>>;

#[derive(Debug)]
struct Known<V> {
    by_kernel: ByKernel<V>,
    /// Whether something is not in the file yet.
    is_stale: bool,
}

/// The form on disk.
#[derive(Debug, Serialize, Deserialize)]
struct Kept<V> {
    version: String,
    kernels: Vec<KeptChoice<V>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptChoice<V> {
    kernel: KernelSpec,
    strides: ImageStrides,
    #[serde(flatten)]
    choice: Choice<V>,
}

impl<V: Copy + Serialize + DeserializeOwned> Choices<V> {
    /// What `folder` has of the device `name`. A file that cannot be read is as good as none.
    pub fn new(name: &str, folder: Option<&Path>) -> Self {
        let file = folder.map(|folder| folder.join(format!("{}.kernels.json", file_name(name))));
        let by_kernel = file.as_deref().map(read).unwrap_or_default();
        Self { file, known: Mutex::new(Known { by_kernel, is_stale: false }) }
    }

    /// Whether what is found out outlives this process.
    pub const fn are_kept(&self) -> bool {
        self.file.is_some()
    }

    /// What is known of a kernel.
    pub fn get(&self, kernel: &KernelSpec, strides: ImageStrides) -> Option<Choice<V>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_kernel.get(&(kernel.clone(), strides)).copied()
    }

    /// Remembers what was found.
    pub fn learn(&self, kernel: &KernelSpec, strides: ImageStrides, choice: Choice<V>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_kernel.insert((kernel.clone(), strides), choice);
        known.is_stale = true;
    }

    /// Writes what is new to disk, together with what other processes have written meanwhile. That it cannot be written
    /// only costs time: it is found out anew.
    pub fn keep(&self) {
        let Some(file) = &self.file else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut known.is_stale) {
            return;
        }
        let mut all = read::<V>(file);
        all.extend(known.by_kernel.iter().map(|(kernel, choice)| (kernel.clone(), *choice)));
        let kept = |((kernel, strides), choice)| KeptChoice { kernel, strides, choice };
        let mut kernels: Vec<KeptChoice<V>> = all.into_iter().map(kept).collect();
        kernels.sort_by_cached_key(|kept| kept.kernel.to_string());
        let has_folder = file.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok());
        if has_folder && let Ok(text) = serde_json::to_vec(&Kept { version: VERSION.to_owned(), kernels }) {
            let _written = write_atomically(file, &text);
        }
    }
}

/// A name that any file system takes.
pub(in crate::runtime) fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let mut name: String = name.chars().map(plain).collect();
    while name.contains("--") {
        name = name.replace("--", "-");
    }
    name.truncate(120);
    name.trim_matches('-').to_owned()
}

fn read<V: DeserializeOwned>(file: &Path) -> ByKernel<V> {
    let kept = read_regular(file, LARGEST_FILE).ok().and_then(|text| serde_json::from_slice::<Kept<V>>(&text).ok());
    let kernels = kept.filter(|kept| kept.version == VERSION).map(|kept| kept.kernels).unwrap_or_default();
    kernels.into_iter().map(|kept| ((kept.kernel, kept.strides), kept.choice)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Shape;
    use crate::runtime::Precision;
    use crate::runtime::plan::{Epilogue, Step, Work};

    fn kernel(channels: usize) -> KernelSpec {
        let output = Shape::new(1, channels, 1, 1);
        let step = Step { work: Work::Linear, output, epilogue: Epilogue::default() };
        KernelSpec { input: Shape::new(1, 4, 1, 1), steps: vec![step], precision: Precision::F32 }
    }

    #[test]
    fn what_two_processes_find_out_is_remembered_and_a_broken_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let strides = ImageStrides { input: 1, second: 1 };
        let choice = |time| Choice { variant: [32_u32, 256], time: Nanos(time) };
        let (one, other) = (Choices::new("a: b/c", Some(folder.path())), Choices::new("a: b/c", Some(folder.path())));
        one.learn(&kernel(1), strides, choice(1));
        other.learn(&kernel(2), strides, choice(2));
        one.keep();
        other.keep();
        let third = Choices::new("a: b/c", Some(folder.path()));
        assert_eq!([1, 2, 3].map(|n| third.get(&kernel(n), strides)), [Some(choice(1)), Some(choice(2)), None]);
        assert_eq!(Choices::<[u32; 2]>::new("another", Some(folder.path())).get(&kernel(1), strides), None);

        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        std::fs::write(&file, "{").unwrap();
        let fourth = Choices::new("a: b/c", Some(folder.path()));
        assert_eq!(fourth.get(&kernel(1), strides), None);
        fourth.learn(&kernel(1), strides, choice(7));
        fourth.keep();
        assert_eq!(Choices::<[u32; 2]>::new("a: b/c", Some(folder.path())).get(&kernel(1), strides), Some(choice(7)));
    }
}
