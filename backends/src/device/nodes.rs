//! Cores that are near the same memory, on a machine with several such nodes (NUMA), as Linux tells them.
//!
//! A line that a core of another node wrote takes several times as long to fetch, so threads are kept to the cores of one
//! node where these are enough.

use std::path::Path;
use std::sync::OnceLock;

use super::sensors::text;

/// The cores of each node, by the nodes' numbers; none where all memory is equally near or nobody knows. Looked for once.
pub(super) fn nodes() -> &'static [Vec<usize>] {
    static NODES: OnceLock<Vec<Vec<usize>>> = OnceLock::new();
    NODES.get_or_init(|| {
        let is_linux = cfg!(any(target_os = "linux", target_os = "android"));
        if is_linux { nodes_in(Path::new("/sys/devices/system/node")) } else { Vec::new() }
    })
}

/// Those of the `cores` that lie on the first node that has enough of them for `threads` threads; all where none has.
pub(super) fn on_one_node(nodes: &[Vec<usize>], cores: &[usize], threads: usize) -> Vec<usize> {
    let of = |node: &Vec<usize>| cores.iter().copied().filter(|core| node.contains(core)).collect::<Vec<_>>();
    let near = nodes.iter().map(of).find(|near| near.len() >= threads.max(1));
    near.unwrap_or_else(|| cores.to_vec())
}

fn nodes_in(folder: &Path) -> Vec<Vec<usize>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("node").and_then(|digits| digits.parse::<usize>().ok());
    let mut numbers: Vec<usize> = entries.filter_map(|entry| entry.file_name().to_str().and_then(number)).collect();
    numbers.sort_unstable();
    let cores = |number: usize| listed(&text(&folder.join(format!("node{number}/cpulist")))?);
    // A node may be of memory alone.
    let nodes: Vec<Vec<usize>> = numbers.into_iter().filter_map(cores).filter(|cores| !cores.is_empty()).collect();
    if nodes.len() < 2 { Vec::new() } else { nodes }
}

/// What `0-3,8,10-11` lists; `None` where it is no such list.
fn listed(text: &str) -> Option<Vec<usize>> {
    /// Far more than any machine has: a file that claims more is broken.
    const MOST: usize = 1 << 16;
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
        if last >= MOST {
            return None;
        }
        all.extend(first..=last);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine's `/sys/devices/system/node`: of every node, the list of its cores.
    fn machine(nodes: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (number, list) in nodes.iter().enumerate() {
            let node = folder.path().join(format!("node{number}"));
            std::fs::create_dir(&node).unwrap();
            std::fs::write(node.join("cpulist"), format!("{list}\n")).unwrap();
        }
        std::fs::create_dir(folder.path().join("power")).unwrap();
        std::fs::write(folder.path().join("online"), "0-1\n").unwrap();
        folder
    }

    #[test]
    fn the_cores_of_every_node_are_found_in_the_order_of_the_nodes() {
        let two = machine(&["0-3,8-11", "4-7,12,14-15"]);
        let expected = [vec![0, 1, 2, 3, 8, 9, 10, 11], vec![4, 5, 6, 7, 12, 14, 15]];
        assert_eq!(nodes_in(two.path()), expected);
        let many: Vec<String> = (0..12).map(|core| core.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let found = nodes_in(machine(&many).path());
        assert_eq!(found, (0..12).map(|core| vec![core]).collect::<Vec<_>>(), "node 10 comes behind node 9");
    }

    #[test]
    fn one_node_nodes_without_cores_and_machines_without_the_folder_are_nothing_to_keep_to() {
        assert!(nodes_in(machine(&["0-7"]).path()).is_empty());
        assert!(nodes_in(machine(&["0-7", ""]).path()).is_empty(), "the second is memory alone");
        assert!(nodes_in(Path::new("/nowhere")).is_empty());
        assert!(nodes_in(machine(&["0-7", "8-x"]).path()).is_empty());
        assert!(nodes_in(machine(&["0-7", "8-99999999999"]).path()).is_empty());
    }

    #[test]
    fn threads_are_kept_to_one_node_where_its_cores_are_enough() {
        let nodes = [vec![0, 1, 2, 3], vec![4, 5, 6, 7]];
        let all: Vec<usize> = (0..8).collect();
        for threads in 0..=4 {
            assert_eq!(on_one_node(&nodes, &all, threads), [0, 1, 2, 3], "{threads}");
        }
        assert_eq!(on_one_node(&nodes, &all, 5), all);
        // What the process may use counts: one core of the first node, three of the second.
        let some = [3, 4, 5, 7];
        assert_eq!(on_one_node(&nodes, &some, 1), [3]);
        assert_eq!(on_one_node(&nodes, &some, 2), [4, 5, 7]);
        assert_eq!(on_one_node(&nodes, &some, 4), some);
        assert_eq!(on_one_node(&[], &some, 1), some, "all memory is equally near");
    }
}
