//! Cores that are not alike: big and little ones, told apart by what Linux knows of them.
//!
//! A thread that lands on a little core makes a run three times as long, so threads are kept to the fastest cores that are
//! enough for them, and among these to one memory's ([`nodes`](super::nodes)). Where they are too many for the fastest kind,
//! they run on a mix, which is said.

use std::path::Path;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nodes::{nodes, on_one_node};

/// Relative clock below which cores are of another kind, where the kernel does not tell their capacity. Cores that may
/// boost a little higher than others are no kind of their own.
const SAME_KIND: f64 = 0.9;

/// Cores that are alike, of a processor whose cores are not all alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoreKind {
    /// What one of them can do, as the kernel tells it: 1024 is the most on this machine.
    pub capacity: Option<u32>,
    /// The most that their clock reaches, in MHz.
    pub max_mhz: Option<u64>,
    /// Their numbers, as the system counts them.
    pub cores: Vec<usize>,
}

impl CoreKind {
    /// `4 of up to 2400 MHz`.
    #[must_use]
    pub fn describe(&self) -> String {
        let count = self.cores.len();
        match (self.max_mhz, self.capacity) {
            (Some(mhz), _) => format!("{count} of up to {mhz} MHz"),
            (None, Some(capacity)) => format!("{count} of capacity {capacity}"),
            (None, None) => count.to_string(),
        }
    }

    /// Several kinds in one line, the fastest first.
    #[must_use]
    pub fn describe_all(kinds: &[Self]) -> String {
        kinds.iter().map(Self::describe).collect::<Vec<_>>().join(" and ")
    }
}

/// The kinds of core that this machine has, the fastest first; none where all are alike or nobody knows. Looked for once:
/// there may be hundreds of cores.
#[must_use]
pub fn core_kinds() -> &'static [CoreKind] {
    static KINDS: OnceLock<Vec<CoreKind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let is_linux = cfg!(any(target_os = "linux", target_os = "android"));
        if is_linux { kinds_in(Path::new("/sys/devices/system/cpu")) } else { Vec::new() }
    })
}

/// The kinds of core that this thread may run on, where the machine has several.
#[must_use]
pub fn cores_of_this_thread() -> Vec<CoreKind> {
    let kinds = core_kinds();
    let allowed = if kinds.is_empty() { None } else { affinity::get() };
    allowed.map(|allowed| among(kinds, &allowed)).unwrap_or_default()
}

/// Cores that this process may use: those that it was started on, fewer where a container allows less time. `None` is
/// unknown.
#[must_use]
pub fn usable_cores() -> Option<usize> {
    static USABLE: OnceLock<Option<usize>> = OnceLock::new();
    *USABLE.get_or_init(|| std::thread::available_parallelism().ok().map(usize::from))
}

/// Up to how many threads all have one of the fastest cores, and up to how many all have cores near the same memory, where
/// that is fewer than there are cores.
#[must_use]
pub fn like_cores() -> Vec<usize> {
    started_on().map(|allowed| alike(core_kinds(), nodes(), allowed)).unwrap_or_default()
}

fn alike(kinds: &[CoreKind], nodes: &[Vec<usize>], allowed: &[usize]) -> Vec<usize> {
    let fastest = among(kinds, allowed).first().map(|kind| kind.cores.len());
    let of = |node: &Vec<usize>| allowed.iter().filter(|core| node.contains(core)).count();
    let nearest = nodes.iter().map(of).max();
    fastest.into_iter().chain(nearest).filter(|&count| 0 < count && count < allowed.len()).collect()
}

/// Keeps this thread, and those that it starts from now on, to the cores that suit `threads` threads best, among those that
/// the process was started on: the fastest that are enough for them, and of these the ones near the same memory where those
/// are. Does nothing where all cores are alike and equally near.
pub fn keep_to_fastest(threads: usize) {
    let (kinds, nodes) = (core_kinds(), nodes());
    // Counted before this thread is kept to fewer.
    let _ = usable_cores();
    if kinds.is_empty() && nodes.is_empty() {
        return;
    }
    if let Some(allowed) = started_on() {
        // Where the system says no, the thread stays where it is, which the conditions tell.
        affinity::set(&best(kinds, nodes, allowed, threads));
    }
}

/// What the process was started on: a measurement of more threads than the last one gets its cores back.
fn started_on() -> Option<&'static [usize]> {
    static STARTED_ON: OnceLock<Option<Vec<usize>>> = OnceLock::new();
    STARTED_ON.get_or_init(affinity::get).as_deref()
}

fn best(kinds: &[CoreKind], nodes: &[Vec<usize>], allowed: &[usize], threads: usize) -> Vec<usize> {
    let fast = fastest(kinds, allowed, threads).into_iter().flat_map(|kind| kind.cores).collect();
    on_one_node(nodes, &if kinds.is_empty() { allowed.to_vec() } else { fast }, threads)
}

/// The fastest kinds among the allowed cores that together have a core for every thread; all of them where they have not.
fn fastest(kinds: &[CoreKind], allowed: &[usize], threads: usize) -> Vec<CoreKind> {
    let mut found = 0;
    let is_needed = |kind: &CoreKind| {
        let needed = found < threads.max(1);
        found += kind.cores.len();
        needed
    };
    among(kinds, allowed).into_iter().take_while(is_needed).collect()
}

/// What of the kinds is allowed.
fn among(kinds: &[CoreKind], allowed: &[usize]) -> Vec<CoreKind> {
    let of = |kind: &CoreKind| {
        let cores = kind.cores.iter().copied().filter(|core| allowed.contains(core)).collect();
        CoreKind { cores, ..kind.clone() }
    };
    kinds.iter().map(of).filter(|kind| !kind.cores.is_empty()).collect()
}

/// What the kernel tells of one core.
#[derive(Clone, Copy, Debug)]
struct Core {
    number: usize,
    capacity: Option<u32>,
    max_khz: Option<u64>,
}

fn kinds_in(folder: &Path) -> Vec<CoreKind> {
    let mut cores: Vec<Core> = cores_in(folder);
    let by_capacity = cores.iter().all(|core| core.capacity.is_some());
    let speed = |core: &Core| if by_capacity { core.capacity.map(u64::from) } else { core.max_khz };
    if cores.iter().any(|core| speed(core).is_none()) {
        return Vec::new();
    }
    cores.sort_by_key(|core| (std::cmp::Reverse(speed(core)), core.number));
    // Capacities are compared as they are: the kernel has grouped the cores already.
    let least = if by_capacity { 1.0 } else { SAME_KIND };
    let mut kinds: Vec<(u64, CoreKind)> = Vec::new();
    for core in &cores {
        let fast = speed(core).unwrap_or_default();
        match kinds.last_mut() {
            Some((first, kind)) if fast as f64 >= *first as f64 * least => kind.cores.push(core.number),
            _ => {
                let max_mhz = core.max_khz.map(|khz| khz / 1_000);
                kinds.push((fast, CoreKind { capacity: core.capacity, max_mhz, cores: vec![core.number] }));
            }
        }
    }
    if kinds.len() < 2 { Vec::new() } else { kinds.into_iter().map(|(_, kind)| kind).collect() }
}

/// Every core that is online.
fn cores_in(folder: &Path) -> Vec<Core> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("cpu").and_then(|digits| digits.parse().ok());
    let numbers = entries.filter_map(|entry| entry.file_name().to_str().and_then(number));
    let core = |number: usize| {
        let of = |name: &str| super::sensors::number(&folder.join(format!("cpu{number}/{name}")));
        // What is offline has a folder, and `0` in it; the first core may not have the file at all.
        (of("online") != Some(0)).then(|| Core {
            number,
            capacity: of("cpu_capacity").and_then(|capacity| u32::try_from(capacity).ok()),
            max_khz: of("cpufreq/cpuinfo_max_freq").and_then(|khz| u64::try_from(khz).ok()),
        })
    };
    numbers.filter_map(core).collect()
}

/// On which cores the system lets a thread run.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod affinity {
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::unistd::Pid;

    /// The cores of this thread.
    pub(super) fn get() -> Option<Vec<usize>> {
        let set = sched_getaffinity(Pid::from_raw(0)).ok()?;
        Some((0..CpuSet::count()).filter(|&core| set.is_set(core).unwrap_or(false)).collect())
    }

    /// Keeps this thread to them.
    pub(super) fn set(cores: &[usize]) {
        let mut set = CpuSet::new();
        if !cores.is_empty() && cores.iter().all(|&core| set.set(core).is_ok()) {
            let _ = sched_setaffinity(Pid::from_raw(0), &set);
        }
    }
}

/// Elsewhere the system puts what works hard on its fast cores by itself.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod affinity {
    pub(super) const fn get() -> Option<Vec<usize>> {
        None
    }

    pub(super) const fn set(_: &[usize]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine's `/sys/devices/system/cpu`: of every core, what its files say.
    fn machine(cores: &[&[(&str, &str)]]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (number, files) in cores.iter().enumerate() {
            for (name, text) in *files {
                let path = folder.path().join(format!("cpu{number}/{name}"));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
        std::fs::create_dir(folder.path().join("cpufreq")).unwrap();
        folder
    }

    const LITTLE: &[(&str, &str)] = &[("cpu_capacity", "414\n"), ("cpufreq/cpuinfo_max_freq", "1800000\n")];
    const BIG: &[(&str, &str)] = &[("cpu_capacity", "1024\n"), ("cpufreq/cpuinfo_max_freq", "2400000\n")];

    fn kinds_of(cores: &[&[(&str, &str)]]) -> Vec<CoreKind> {
        kinds_in(machine(cores).path())
    }

    fn kind(capacity: u32, mhz: u64, cores: &[usize]) -> CoreKind {
        CoreKind { capacity: Some(capacity), max_mhz: Some(mhz), cores: cores.to_vec() }
    }

    #[test]
    fn big_and_little_cores_are_told_apart_the_fastest_first() {
        let kinds = kinds_of(&[LITTLE, LITTLE, BIG, BIG]);
        assert_eq!(kinds, [kind(1024, 2_400, &[2, 3]), kind(414, 1_800, &[0, 1])]);
        assert_eq!(CoreKind::describe_all(&kinds), "2 of up to 2400 MHz and 2 of up to 1800 MHz");
    }

    #[test]
    fn without_capacities_the_clocks_tell_and_a_slightly_higher_boost_is_no_kind() {
        let core = |khz| vec![("cpufreq/cpuinfo_max_freq", khz)];
        let (boost, fast, slow) = (core("5800000"), core("5500000"), core("4300000"));
        let kinds = kinds_of(&[&fast, &boost, &slow, &slow]);
        let cores: Vec<_> = kinds.iter().map(|kind| (kind.max_mhz, &*kind.cores)).collect();
        assert_eq!(cores, [(Some(5_800), &[1, 0][..]), (Some(4_300), &[2, 3][..])]);
        assert_eq!(kinds_of(&[&fast, &boost]), []);
    }

    #[test]
    fn cores_that_are_alike_offline_or_unknown_make_no_kinds() {
        assert_eq!(kinds_of(&[BIG, BIG]), []);
        assert_eq!(kinds_of(&[BIG, &[("online", "0\n")]]), []);
        assert_eq!(kinds_of(&[BIG, &[("online", "1\n")]]), [], "one core tells nothing");
        assert_eq!(kinds_in(Path::new("/nowhere")), []);
    }

    #[test]
    fn threads_are_kept_to_the_fastest_cores_that_are_enough_for_them() {
        let kinds = [kind(1024, 2_400, &[4, 5, 6, 7]), kind(414, 1_800, &[0, 1, 2, 3])];
        let all: Vec<usize> = (0..8).collect();
        for threads in 0..=4 {
            assert_eq!(fastest(&kinds, &all, threads), kinds[..1], "{threads}");
        }
        assert_eq!(fastest(&kinds, &all, 5), kinds);
        assert_eq!(fastest(&kinds, &all, 99), kinds);
        // What the process was started on counts: one big core and two little ones.
        let started_on = [0, 1, 7];
        assert_eq!(fastest(&kinds, &started_on, 1), [kind(1024, 2_400, &[7])]);
        assert_eq!(fastest(&kinds, &started_on, 2), [kind(1024, 2_400, &[7]), kind(414, 1_800, &[0, 1])]);
    }

    #[test]
    fn threads_get_fast_cores_first_and_near_ones_among_them() {
        let kinds = [kind(1024, 2_400, &[2, 3, 6, 7]), kind(414, 1_800, &[0, 1, 4, 5])];
        let nodes = [vec![0, 1, 2, 3], vec![4, 5, 6, 7]];
        let all: Vec<usize> = (0..8).collect();
        let cores = |threads| best(&kinds, &nodes, &all, threads);
        assert_eq!(cores(2), [2, 3]);
        assert_eq!(cores(3), [2, 3, 6, 7], "fast ones from both nodes rather than slow ones of one");
        assert_eq!(cores(5), [2, 3, 6, 7, 0, 1, 4, 5]);
        assert_eq!(best(&[], &nodes, &all, 4), [0, 1, 2, 3], "all alike");
        assert_eq!(best(&[], &nodes, &all, 5), all);
        assert_eq!(best(&kinds, &[], &all, 1), [2, 3, 6, 7]);
        assert_eq!(alike(&kinds, &nodes, &all), [4, 4]);
        assert_eq!(alike(&kinds, &nodes, &[0, 1, 2]), [1], "what the process may use is near the same memory");
        assert!(alike(&[], &[], &all).is_empty());
    }

    #[test]
    fn the_cores_that_may_be_used_are_no_more_than_the_process_was_started_on() {
        let usable = usable_cores().unwrap();
        keep_to_fastest(1);
        assert_eq!(usable_cores(), Some(usable), "whatever this thread is kept to");
        assert!(usable >= 1 && started_on().is_none_or(|cores| usable <= cores.len()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_is_where_it_was_put_and_those_that_it_starts_are_too() {
        std::thread::spawn(|| {
            let before = affinity::get().unwrap();
            affinity::set(&before[..1]);
            assert_eq!(affinity::get().unwrap(), before[..1]);
            assert_eq!(std::thread::spawn(affinity::get).join().unwrap().unwrap(), before[..1]);
            affinity::set(&[]);
            assert_eq!(affinity::get().unwrap(), before[..1], "no core is no wish");
            affinity::set(&before);
            assert_eq!(affinity::get().unwrap(), before);
        })
        .join()
        .unwrap();
    }
}
