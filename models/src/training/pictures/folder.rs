//! A folder with one folder a class.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::error::{Broken, DataError};
use super::pictures_in_memory::{MOST_CLASSES, MOST_PICTURES, Pictures, Taken};
use crate::classify::{Picture, Preprocessing};

/// How the names of files end that are taken for pictures, in lower case.
pub const FOLDER_PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "bmp", "webp"];

/// Files decoded at once: as many as may be large pictures in memory at the same time.
const AT_ONCE: usize = 8;

/// The files of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFolder {
    /// The folder's name.
    pub class: String,
    /// Its pictures by name, at any depth.
    pub files: Vec<PathBuf>,
}

/// How far reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderProgress {
    /// Files looked at.
    pub done: usize,
    /// Files there are.
    pub all: usize,
}

/// The classes of a folder and their files: by name, so that the same folder is the same data everywhere. Hidden folders
/// are no classes.
///
/// # Errors
/// Where a folder cannot be read, has no folders in it, or too many.
pub fn class_folders(folder: &Path) -> Result<Vec<ClassFolder>, DataError> {
    let mut classes = vec![];
    for path in entries(folder)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !path.is_dir() || name.starts_with('.') {
            continue;
        }
        let mut files = vec![];
        collect(&path, 0, &mut files)?;
        classes.push(ClassFolder { class: name, files });
    }
    match classes.len() {
        0 => Err(DataError::NoClasses { path: folder.into() }),
        classes if classes > MOST_CLASSES => Err(DataError::TooManyClasses { classes }),
        _ => Ok(classes),
    }
}

/// Reads a folder with one folder a class. `decode` makes a picture of a file; one that fails, also by a panic, is left
/// out and named by [`Pictures::broken`]. `tell` hears how far it is, and can end it.
///
/// # Errors
/// As [`class_folders`]; where there are too many pictures; where `tell` ends it. Whether there is enough to learn from
/// says [`Pictures::check`].
pub fn from_folder(
    folder: &Path,
    preprocessing: Preprocessing,
    decode: impl Fn(&Path) -> Result<Picture, String> + Sync,
    mut tell: impl FnMut(FolderProgress) -> ControlFlow<()>,
) -> Result<Pictures, DataError> {
    let classes = class_folders(folder)?;
    let name = folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into());
    let mut pictures = Pictures::new(name, preprocessing);
    let all = classes.iter().map(|class| class.files.len()).sum();
    let mut done = 0;
    for ClassFolder { class, files } in &classes {
        let class = pictures.add_class(class.clone())?;
        for files in files.chunks(AT_ONCE) {
            let decoded: Vec<_> = files.par_iter().map(|path| (path, guarded(path, &decode))).collect();
            for (path, picture) in decoded {
                match picture {
                    Ok(picture) => pictures.add(class, &picture, Taken::Alone)?,
                    Err(reason) => pictures.leave_out(Broken { path: path.clone(), reason }),
                }
            }
            done += files.len();
            if tell(FolderProgress { done, all }).is_break() {
                return Err(DataError::Cancelled);
            }
        }
    }
    Ok(pictures)
}

/// What `decode` makes of the file; a decoder that panics has met a picture that it did not expect.
fn guarded(path: &Path, decode: &(impl Fn(&Path) -> Result<Picture, String> + Sync)) -> Result<Picture, String> {
    catch_unwind(AssertUnwindSafe(|| decode(path))).unwrap_or_else(|_| Err("it makes its decoder fail".into()))
}

/// Folders within folders that are looked into: a link to a folder above would never end.
const DEEPEST: usize = 8;

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
    for path in entries(folder)? {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            if depth < DEEPEST {
                collect(&path, depth + 1, files)?;
            }
            continue;
        }
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        if ending.is_some_and(|ending| FOLDER_PICTURES.contains(&ending.as_str())) {
            if files.len() >= MOST_PICTURES {
                return Err(DataError::TooMany);
            }
            files.push(path);
        }
    }
    Ok(())
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let fail = |source| DataError::Read { path: folder.into(), source };
    let mut paths = vec![];
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        paths.push(entry.map_err(fail)?.path());
    }
    paths.sort_unstable();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::InputSize;

    /// A decoder of files that hold one byte: the level of grey.
    fn decode(path: &Path) -> Result<Picture, String> {
        match std::fs::read(path).map_err(|error| error.to_string())?[..] {
            [255] => panic!("a decoder's"),
            [level] => Picture::new(4, 4, vec![level; 48]).map_err(|error| error.to_string()),
            _ => Err("it has no pixel".into()),
        }
    }

    fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn read(folder: &Path) -> Result<Pictures, DataError> {
        from_folder(folder, Preprocessing::new(InputSize::square(4)), decode, |_| ControlFlow::Continue(()))
    }

    #[test]
    fn a_folder_a_class_is_read_by_name_and_broken_pictures_are_named_and_left_out() {
        let folder = folder_of(&[
            ("mug/b.PNG", &[2]),
            ("mug/a.jpg", &[1]),
            ("mug/deeper/c.bmp", &[3]),
            ("mug/notes.txt", &[9]),
            ("mug/.hidden.png", &[9]),
            ("book/empty.png", &[]),
            ("book/hostile.webp", &[255]),
            ("book/x.jpeg", &[4]),
            (".git/x.png", &[9]),
            ("readme.md", &[9]),
        ]);
        let pictures = read(folder.path()).unwrap();
        assert_eq!(pictures.classes(), ["book", "mug"]);
        let levels: Vec<_> = pictures.samples().iter().map(|sample| (sample.class, sample.pixels[0])).collect();
        assert_eq!(levels, [(0, 4), (1, 1), (1, 2), (1, 3)]);
        let broken: Vec<String> = pictures.broken().iter().map(ToString::to_string).collect();
        assert!(
            broken.len() == 2 && broken[0].contains("empty.png") && broken[1].contains("hostile.webp"),
            "{broken:?}"
        );
        let said = pictures.check().unwrap_err().to_string();
        assert!(said.contains("`book` has 1 picture"), "{said}");
    }

    #[test]
    fn a_folder_without_classes_and_one_that_is_gone_are_refused_and_reading_can_be_ended() {
        let flat = folder_of(&[("a.png", &[1])]);
        assert!(read(flat.path()).unwrap_err().to_string().contains("one folder of pictures for each class"));
        assert!(read(&flat.path().join("none")).unwrap_err().to_string().contains("none"));
        let folder = folder_of(&[("a/1.png", &[1]), ("b/1.png", &[1])]);
        let mut seen = vec![];
        let ended = from_folder(folder.path(), Preprocessing::new(InputSize::square(4)), decode, |progress| {
            seen.push(progress);
            ControlFlow::Break(())
        });
        assert!(matches!(ended, Err(DataError::Cancelled)));
        assert_eq!(seen, [FolderProgress { done: 1, all: 2 }]);
    }
}
