//! Files that are either written whole or not at all.

use std::fs::TryLockError;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::left_over::{PREFIX, RANDOM, sweep};

/// Links that are followed; systems follow about as many.
const MOST_LINKS: usize = 40;

/// How often a new file is made where others sweep the folder at the same moment.
const MOST_TRIES: usize = 100;

/// Writes `bytes` to `path` through an unfinished file in the same folder: readers see the old file or the new one, never
/// half of either, and a failure leaves the old one untouched. When this returns the file is on the disk.
///
/// A file that exists keeps its permissions, a new one has those that the system gives new files. Where `path` is a
/// symbolic link, the link stays and the file that it leads to is written. Unfinished files that a killed process has
/// left in the folder are removed.
///
/// # Errors
/// Where the folder cannot be written, the disk is full, or something that is no file stands in the way.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = target_of(path)?;
    let folder = folder_of(&target);
    sweep(folder);
    let mut file = unfinished(&target, folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if cfg!(windows) {
        // A lock there keeps readers out of the finished file.
        let _ = file.as_file().unlock();
    }
    file.persist(&target).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Whether [`write_atomically`] would get as far as writing: the folder takes new files and `path` is none itself.
///
/// # Errors
/// What the system says.
pub fn check_writable(path: &Path) -> io::Result<()> {
    let target = target_of(path)?;
    unfinished(&target, folder_of(&target)).map(drop)
}

/// An unfinished file, removed when dropped; its lock tells those who sweep that it is being written.
fn unfinished(target: &Path, folder: &Path) -> io::Result<NamedTempFile> {
    for _ in 0..MOST_TRIES {
        let file = make(target, folder)?;
        match file.as_file().try_lock() {
            // Swept away before it was locked.
            Ok(()) if !file.path().exists() => {}
            Err(TryLockError::WouldBlock) => {}
            // Where there are no locks, it is told from what was left by its age.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "others write to this folder all the time; try again"))
}

fn make(target: &Path, folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;
        if let Ok(old) = std::fs::metadata(target) {
            let kept = Permissions::from_mode(old.permissions().mode() & 0o777);
            // Private until then; the system takes its mask off what a file is made with, but not off this.
            let file = builder.tempfile_in(folder)?;
            file.as_file().set_permissions(kept)?;
            return Ok(file);
        }
        builder.permissions(Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = target;
    builder.tempfile_in(folder)
}

/// Where a path leads, through links and to what need not be there yet.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match std::fs::symlink_metadata(&target) {
            Ok(about) if about.is_symlink() => target = folder_of(&target).join(std::fs::read_link(&target)?),
            Ok(about) if about.is_dir() => {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder, not a file"));
            }
            Ok(about) if !about.is_file() => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "is a device or a pipe, not a file"));
            }
            Ok(_) => return Ok(target),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(target),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "is a link that leads back to itself"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes the folder's list of names to the disk: without it a machine that dies may forget the new name.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    match std::fs::File::open(folder).and_then(|folder| folder.sync_all()) {
        // The file is there: some file systems have no such thing, and some folders may be written but not read.
        Err(error) if matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported) => Ok(()),
        result => result,
    }
}

/// Elsewhere folders cannot be opened; the file system's own log keeps the new name.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("design.toml");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["design.toml"]);
    }

    #[test]
    fn a_folder_that_is_not_there_and_a_folder_in_the_way_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_atomically(&folder.path().join("missing/file"), b"x").is_err());
        assert!(check_writable(&folder.path().join("missing/file")).is_err());
        let error = write_atomically(folder.path(), b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        assert_eq!(names(folder.path()), [""; 0], "and none leaves anything behind");
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_somebody_writes_or_owns_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [".shufflescope-aB3dE6", ".shufflescope-aB3dE6gH9j", ".shufflescope-notes.toml", "mine"] {
            std::fs::write(at(name), "half").unwrap();
        }
        std::fs::create_dir(at(".shufflescope-folder")).unwrap();
        let busy = unfinished(&at("other"), folder.path()).unwrap();
        let busy_name = busy.path().file_name().unwrap().to_str().unwrap().to_owned();

        write_atomically(&at("design.toml"), b"whole").unwrap();
        let mut left = vec![".shufflescope-folder", ".shufflescope-notes.toml", "design.toml", "mine", &busy_name];
        left.sort_unstable();
        assert_eq!(names(folder.path()), left);
    }

    #[test]
    fn many_who_write_one_file_at_once_leave_one_of_theirs_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("design.toml");
        std::thread::scope(|scope| {
            for writer in 0..4_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        write_atomically(path, &[writer; 5_000]).unwrap();
                    }
                });
            }
        });
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.len() == 5_000 && bytes.iter().all(|byte| *byte == bytes[0]));
        assert_eq!(names(folder.path()), ["design.toml"]);
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{PermissionsExt, symlink};

        fn mode(path: &Path) -> u32 {
            std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
        }

        #[test]
        fn a_new_file_has_the_systems_permissions_and_an_old_one_keeps_its_own() {
            let folder = tempfile::tempdir().unwrap();
            let (usual, path) = (folder.path().join("usual"), folder.path().join("design.toml"));
            std::fs::write(&usual, "").unwrap();
            write_atomically(&path, b"new").unwrap();
            assert_eq!(mode(&path), mode(&usual));
            for kept in [0o600, 0o640, 0o664, 0o666, 0o755] {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(kept)).unwrap();
                write_atomically(&path, b"again").unwrap();
                assert_eq!(mode(&path), kept);
            }
        }

        #[test]
        fn a_link_stays_and_what_it_leads_to_is_written_there_or_not() {
            let folder = tempfile::tempdir().unwrap();
            let elsewhere = tempfile::tempdir().unwrap();
            let (link, there) = (folder.path().join("link.toml"), elsewhere.path().join("there.toml"));
            let second = elsewhere.path().join("second.toml");
            symlink(&second, &link).unwrap();
            symlink("there.toml", &second).unwrap();
            for text in ["made", "replaced"] {
                check_writable(&link).unwrap();
                write_atomically(&link, text.as_bytes()).unwrap();
                assert!(link.is_symlink() && second.is_symlink() && !there.is_symlink());
                assert_eq!(std::fs::read_to_string(&there).unwrap(), text);
            }
            assert_eq!(names(folder.path()), ["link.toml"]);
            assert_eq!(names(elsewhere.path()), ["second.toml", "there.toml"]);
        }

        #[test]
        fn a_link_in_a_circle_and_what_is_no_file_are_errors() {
            let folder = tempfile::tempdir().unwrap();
            let (a, b) = (folder.path().join("a"), folder.path().join("b"));
            symlink(&a, &b).unwrap();
            symlink(&b, &a).unwrap();
            assert!(write_atomically(&a, b"x").unwrap_err().to_string().contains("leads back"));
            let device = folder.path().join("device");
            symlink("/dev/null", &device).unwrap();
            assert!(write_atomically(&device, b"x").unwrap_err().to_string().contains("device"));
        }
    }
}
