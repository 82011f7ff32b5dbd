//! Where NVRTC may be.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The variable that names the library, or its folder.
pub(super) const SETTING: &str = "SHUFFLESCOPE_NVRTC";

/// Names that the system's loader may know.
#[cfg(windows)]
const NAMES: [&str; 3] = ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"];
#[cfg(not(windows))]
const NAMES: [&str; 4] = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"];

/// Every place, best first: what is set, what the loader finds, toolkits, wheels. A name without a folder is the loader's.
pub(super) fn all() -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Some(set) = env::var_os(SETTING) {
        let set = PathBuf::from(set);
        // Who sets it means it: nothing else is tried.
        return if set.is_dir() { in_folder(&set) } else { vec![set] };
    }
    places.extend(NAMES.iter().map(PathBuf::from));
    places.extend(toolkits().iter().flat_map(|folder| in_folder(folder)));
    places.extend(wheels().iter().flat_map(|folder| in_folder(folder)));
    places
}

/// Libraries in a folder, the newest first.
fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let is_library = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let named = name.starts_with("libnvrtc.so") || (name.starts_with("nvrtc64_") && name.ends_with(".dll"));
        named && !name.contains("alt")
    };
    let mut found: Vec<PathBuf> = entries(folder).into_iter().filter(is_library).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

fn toolkits() -> Vec<PathBuf> {
    let set = ["CUDA_PATH", "CUDA_HOME", "CUDA_ROOT"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    let usual = ["/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda"].into_iter().map(PathBuf::from);
    let inside =
        |root: PathBuf| ["lib64", "lib", "bin", "bin/x64", "targets/x86_64-linux/lib"].map(|folder| root.join(folder));
    set.chain(usual).flat_map(inside).collect()
}

/// Folders of `nvidia-cuda-nvrtc` in the Pythons that are there: `site-packages/nvidia/{cuda_nvrtc,cu13}/{lib,bin}`.
fn wheels() -> Vec<PathBuf> {
    let home = env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from);
    let set = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    let mut roots: Vec<PathBuf> = set.collect();
    roots.extend(home.map(|home| home.join(".local")));
    roots.extend(["/usr/local", "/usr"].map(PathBuf::from));
    let mut packages: Vec<PathBuf> = Vec::new();
    for root in &roots {
        packages.push(root.join("Lib").join("site-packages"));
        for python in entries(&root.join("lib")) {
            if python.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("python3")) {
                packages.extend([python.join("site-packages"), python.join("dist-packages")]);
            }
        }
    }
    let families = packages.iter().flat_map(|folder| entries(&folder.join("nvidia")));
    families.flat_map(|family| ["lib", "bin", "bin/x86_64"].map(|folder| family.join(folder))).collect()
}

/// What a folder has, nothing where there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path()).collect();
    all.sort_unstable();
    all
}
