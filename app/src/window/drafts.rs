//! The designs that survive a crash: each window keeps a draft of its own, under a lock that a dead process cannot hold.
//!
//! A draft is a design file. Its first line, a comment to everybody else, says which file the design belongs to and
//! whether that holds it; the design that version 0.1 kept is a draft without that line.

mod text;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use shufflescope_engine::files::FileLock;

pub use self::text::Draft;

/// The folder in the data folder.
const FOLDER: &str = "drafts";

/// What version 0.1 kept, in the data folder.
const OLD: &str = "draft.toml";

/// Held while a window looks for its draft.
const SEARCH: &str = "search.lock";

/// How long another window may look.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long locks of drafts are waited for, all together; another window holds its own for as long as it is open.
const MOMENT: Duration = Duration::from_millis(150);

/// Most drafts, and so windows at one time.
const MOST: usize = 200;

/// Where this window's draft is kept; nobody else has it until this is dropped.
#[derive(Debug)]
pub struct Drafts {
    folder: PathBuf,
    own: PathBuf,
    _lock: FileLock,
}

/// What was found at the start.
#[derive(Debug, Default)]
pub struct Found {
    /// This window's draft; `None` where nothing can be kept.
    pub drafts: Option<Drafts>,
    /// The newest draft that no window has.
    pub recovered: Option<Draft>,
    /// What a person should know: where more drafts are, which one could not be read, why nothing is kept.
    pub said: Vec<String>,
}

/// A draft's place that nobody else has.
struct Slot {
    path: PathBuf,
    lock: FileLock,
    draft: Option<(SystemTime, Draft)>,
}

impl Drafts {
    /// Finds this window a draft; where it is to `recover`, the newest one that a window before has left. All others stay
    /// where they are.
    #[must_use]
    pub fn find(data_folder: &Path, recover: bool) -> Found {
        let folder = data_folder.join(FOLDER);
        find(data_folder, &folder, recover).unwrap_or_else(|error| {
            let folder = folder.display();
            let said = format!("Your design is not kept over a crash; save it to a file. {folder}: {error}.");
            Found { said: vec![said], ..Found::default() }
        })
    }

    /// The file that this window's design is kept in.
    #[must_use]
    pub fn own(&self) -> &Path {
        &self.own
    }

    /// The folder of all drafts.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a file lies where drafts do, and so cannot be anybody's own.
    #[must_use]
    pub fn hold(&self, file: &Path) -> bool {
        let folder = |path: &Path| std::path::absolute(path).ok();
        file.parent().and_then(folder) == folder(&self.folder)
    }
}

fn find(data_folder: &Path, folder: &Path, recover: bool) -> io::Result<Found> {
    std::fs::create_dir_all(folder)?;
    let busy = || io::Error::new(io::ErrorKind::ResourceBusy, "another window does not come to an end with starting");
    let _search = FileLock::wait(&folder.join(SEARCH), PATIENCE)?.ok_or_else(busy)?;
    let mut said = Vec::new();
    let mut slots = Vec::new();
    let mut first_error = None;
    // One for this window, and one for what version 0.1 kept.
    let mut wanted = 1 + usize::from(data_folder.join(OLD).is_file());
    let since = Instant::now();
    for number in 1..=MOST {
        let path = folder.join(format!("{number}.toml"));
        let lock = path.with_extension("lock");
        let is_empty = std::fs::symlink_metadata(&path).is_err();
        if wanted == 0 && is_empty && !lock.exists() {
            break;
        }
        // A process that a window just ended was about to start may hold its lock for a moment.
        let patience = if is_empty { Duration::ZERO } else { MOMENT.saturating_sub(since.elapsed()) };
        match FileLock::wait(&lock, patience) {
            Ok(Some(lock)) => {
                wanted = wanted.saturating_sub(usize::from(is_empty));
                slots.push(Slot { path, lock, draft: None });
            }
            Ok(None) => {}
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    for slot in &mut slots {
        look_into(slot, &mut said);
    }
    take_over_old(data_folder, &mut slots, &mut said);
    slots.sort_by_key(|slot| slot.draft.as_ref().map(|(written, _)| *written));
    // Those without a draft stand first.
    let empty = slots.iter().position(|slot| slot.draft.is_none() && !slot.path.exists());
    let own = match slots.last() {
        Some(Slot { draft: Some(_), .. }) if recover => slots.pop(),
        _ => empty.map(|at| slots.remove(at)),
    };
    let none = || first_error.unwrap_or_else(|| io::Error::other("too many drafts are kept there: remove some"));
    let Slot { path: own, lock, draft } = own.ok_or_else(none)?;
    let unsaved =
        |slot: &Slot| slot.draft.as_ref().filter(|(_, draft)| !draft.is_saved).map(|(_, draft)| draft.about());
    let others: Vec<_> = slots.iter().rev().filter_map(unsaved).collect();
    if !others.is_empty() {
        said.push(format!(
            "{} kept from other windows too: start ShuffleScope once more to go on with the next one. They are in {}.",
            others.join(" and "),
            folder.display()
        ));
    }
    let drafts = Drafts { folder: folder.into(), own, _lock: lock };
    Ok(Found { drafts: Some(drafts), recovered: draft.map(|(_, draft)| draft), said })
}

/// Reads the draft of a slot; one that cannot be read is kept aside.
fn look_into(slot: &mut Slot, said: &mut Vec<String>) {
    let Ok(about) = std::fs::symlink_metadata(&slot.path) else { return };
    let written = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    match Draft::read(&slot.path) {
        Ok(draft) => slot.draft = Some((written, draft)),
        Err(reason) => said.push(match keep_aside(&slot.path) {
            Ok(aside) => format!("A draft cannot be read ({reason}); it is kept as {}.", aside.display()),
            Err(error) => format!("A draft cannot be read ({reason}) and stays where it is ({error})."),
        }),
    }
}

/// Gives what version 0.1 kept a place among the drafts.
fn take_over_old(data_folder: &Path, slots: &mut [Slot], said: &mut Vec<String>) {
    let old = data_folder.join(OLD);
    let Some(slot) = slots.iter_mut().find(|slot| slot.draft.is_none() && !slot.path.exists()) else { return };
    if old.is_file() && std::fs::rename(&old, &slot.path).is_ok() {
        look_into(slot, said);
    }
}

/// Moves a file out of the way, never over another one; where to. The search's lock keeps other windows from it.
fn keep_aside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_stem().unwrap_or(OsStr::new("draft")).to_string_lossy();
    let free = (1..=MOST)
        .map(|number| path.with_file_name(format!("unreadable-{name}-{number}.toml")))
        .find(|aside| std::fs::symlink_metadata(aside).is_err())
        .ok_or_else(|| io::Error::other("too many of them are kept aside"))?;
    std::fs::rename(path, &free)?;
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::design::Design;
    use shufflescope_engine::files::write_atomically;
    use shufflescope_engine::zoo;

    fn draft(name: &str) -> Draft {
        let design = Design { name: name.into(), ..zoo::preset("shufflenet-v2-x0.5").unwrap() };
        Draft { design, file: Some(format!("/of/{name}.toml").into()), is_saved: false }
    }

    fn keep(drafts: &Found, draft: &Draft) {
        let path = drafts.drafts.as_ref().unwrap().own();
        write_atomically(path, draft.to_text().unwrap().as_bytes()).unwrap();
        // Files written within one tick of the clock have no order.
        std::thread::sleep(Duration::from_millis(20));
    }

    fn own(found: &Found) -> &Path {
        found.drafts.as_ref().unwrap().own()
    }

    #[test]
    fn windows_at_one_time_have_drafts_of_their_own_and_the_next_ones_take_them_over() {
        let data = tempfile::tempdir().unwrap();
        let find = || Drafts::find(data.path(), true);
        let (first, second) = (find(), find());
        assert_ne!(own(&first), own(&second));
        assert!(second.recovered.is_none() && second.said.is_empty());
        keep(&first, &draft("a"));
        keep(&second, &draft("b"));
        let third = find();
        assert!(third.recovered.is_none(), "both are still open");
        drop((first, second, third)); // As when their processes die.

        let next = find();
        assert_eq!(next.recovered, Some(draft("b")), "the newest");
        assert!(next.said.len() == 1 && next.said[0].contains("`a` (not saved to /of/a.toml)"), "{:?}", next.said);
        let after = find();
        assert_eq!(after.recovered, Some(draft("a")));
        assert!(after.said.is_empty(), "{:?}", after.said);
        assert_ne!(own(&next), own(&after));
    }

    #[test]
    fn a_window_that_recovers_nothing_leaves_every_draft_alone() {
        let data = tempfile::tempdir().unwrap();
        keep(&Drafts::find(data.path(), true), &draft("a"));
        let other = Drafts::find(data.path(), false);
        assert!(other.recovered.is_none() && !own(&other).exists());
        keep(&other, &draft("b"));
        drop(other);
        let names = [(); 2].map(|()| Drafts::find(data.path(), true)).map(|found| found.recovered.unwrap().design.name);
        assert_eq!(names[0], "b", "found and let go of again");
    }

    #[test]
    fn an_unreadable_draft_is_kept_aside_under_a_free_name_and_told() {
        let data = tempfile::tempdir().unwrap();
        for round in ["first", "second"] {
            std::fs::create_dir_all(data.path().join(FOLDER)).unwrap();
            std::fs::write(data.path().join(FOLDER).join("1.toml"), format!("# {round}\nname = 3")).unwrap();
            let found = Drafts::find(data.path(), true);
            assert!(found.recovered.is_none());
            assert!(found.said[0].contains("cannot be read") && found.said[0].contains("unreadable-1-"), "{found:?}");
            assert!(!own(&found).exists());
        }
        let kept = |number: u32| {
            std::fs::read_to_string(data.path().join(FOLDER).join(format!("unreadable-1-{number}.toml"))).unwrap()
        };
        assert!(kept(1).contains("first") && kept(2).contains("second"));
    }

    #[test]
    fn what_the_version_before_kept_is_taken_over_also_where_it_cannot_be_read() {
        let data = tempfile::tempdir().unwrap();
        draft("old").design.write(&data.path().join(OLD)).unwrap();
        let found = Drafts::find(data.path(), true);
        let recovered = found.recovered.as_ref().unwrap();
        assert_eq!((recovered.design.name.as_str(), &recovered.file, recovered.is_saved), ("old", &None, false));
        assert!(!data.path().join(OLD).exists() && own(&found).exists());
        drop(found);
        std::fs::write(data.path().join(OLD), "nonsense").unwrap();
        let found = Drafts::find(data.path(), true);
        assert_eq!(found.recovered.as_ref().unwrap().design.name, "old");
        assert!(found.said[0].contains("unreadable-"), "{found:?}");
    }

    #[test]
    fn where_nothing_can_be_kept_that_is_told() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("a file");
        std::fs::write(&file, "").unwrap();
        let found = Drafts::find(&file, true);
        assert!(found.drafts.is_none() && found.said[0].contains("not kept over a crash"), "{found:?}");
    }

    #[test]
    fn files_among_the_drafts_are_nobodys_own() {
        let data = tempfile::tempdir().unwrap();
        let found = Drafts::find(data.path(), true);
        let drafts = found.drafts.as_ref().unwrap();
        assert!(drafts.hold(drafts.own()) && !drafts.hold(&data.path().join("mine.toml")));
    }
}
