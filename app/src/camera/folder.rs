//! An image file, or the image files of a folder in order, again and again.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shufflescope_engine::classify::Picture;
use shufflescope_engine::units::Nanos;

use super::stop::Pace;
use super::{Captured, FrameSource, Next, Pixels, SourceError, SourceOptions, Stop};
use crate::image_file::{ENDINGS, read_picture};

/// How long each picture of a folder is shown.
const HOLD: Nanos = Nanos::from_secs(1);
/// Most files of a folder; more are left out.
const MOST_FILES: usize = 100_000;

/// Pictures from files. Each is shown for a second, at the rate of a camera.
#[derive(Debug)]
pub(super) struct Pictures {
    path: PathBuf,
    /// The files still to come in this round.
    files: VecDeque<PathBuf>,
    /// Whether this round had a picture.
    any: bool,
    /// Why the last file was no picture.
    last_problem: Option<String>,
    shown: Option<Arc<Picture>>,
    /// Frames that the picture is still shown for.
    frames_left: u64,
    frames_each: u64,
    pace: Pace,
}

impl Pictures {
    pub(super) fn open(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let interval = options.wanted_interval();
        let mut pictures = Self {
            path: path.to_owned(),
            files: VecDeque::new(),
            any: false,
            last_problem: None,
            shown: None,
            frames_left: 0,
            frames_each: (HOLD.0 / interval.0.max(1)).max(1),
            pace: Pace::new(interval),
        };
        pictures.files = pictures.list()?;
        Ok(pictures)
    }

    /// The file itself, or the picture files of the folder by name.
    fn list(&self) -> Result<VecDeque<PathBuf>, SourceError> {
        let unreadable =
            |error: std::io::Error| SourceError::Unreadable { path: self.path.clone(), reason: error.to_string() };
        if !fs::metadata(&self.path).map_err(unreadable)?.is_dir() {
            return Ok(VecDeque::from([self.path.clone()]));
        }
        let named_as_picture = |path: &PathBuf| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|extension| ENDINGS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
        };
        let entries = fs::read_dir(&self.path).map_err(unreadable)?;
        let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let mut files: Vec<PathBuf> = paths.filter(named_as_picture).take(MOST_FILES).collect();
        files.sort_unstable();
        if files.is_empty() {
            let reason = format!("no file there ends in {}", ENDINGS.map(|known| format!(".{known}")).join(", "));
            return Err(SourceError::NoPictures { path: self.path.clone(), reason });
        }
        Ok(files.into())
    }

    /// Loads the next picture; `Some(reason)` where the file was none.
    fn advance(&mut self) -> Result<Option<String>, SourceError> {
        if self.files.is_empty() {
            if !self.any {
                let reason = self.last_problem.take().unwrap_or_default();
                return Err(SourceError::NoPictures { path: self.path.clone(), reason });
            }
            // A new round: the folder may have changed.
            self.files = self.list()?;
            self.any = false;
        }
        let Some(file) = self.files.pop_front() else { return Ok(None) };
        match read_picture(&file) {
            Ok(picture) => {
                self.any = true;
                self.shown = Some(Arc::new(picture));
                self.frames_left = self.frames_each;
                Ok(None)
            }
            Err(error) => {
                let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
                let reason = format!("{name} was left out: {error}");
                self.last_problem = Some(reason.clone());
                Ok(Some(reason))
            }
        }
    }

    /// Whether the one picture there is need not be loaded again.
    fn is_one_file(&self) -> bool {
        self.files.is_empty() && self.any && self.path.is_file()
    }
}

impl FrameSource for Pictures {
    fn next(&mut self, stop: &Stop) -> Result<Next, SourceError> {
        if self.frames_left == 0 && self.is_one_file() {
            self.frames_left = self.frames_each;
        }
        if self.frames_left == 0
            && let Some(reason) = self.advance()?
        {
            return Ok(if stop.is_raised() { Next::Stopped } else { Next::Skipped(reason) });
        }
        if self.pace.wait(stop) {
            return Ok(Next::Stopped);
        }
        self.frames_left = self.frames_left.saturating_sub(1);
        let Some(shown) = &self.shown else { return Ok(Next::Stopped) };
        Ok(Next::Frame(Captured { pixels: Pixels::Picture(Arc::clone(shown)), shows: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] = include_bytes!("../../tests/support/camera/red_and_blue.jpg");

    fn png(path: &Path, side: u32) {
        image::RgbImage::from_pixel(side, side, image::Rgb([10, 20, 30])).save(path).unwrap();
    }

    /// At a frame each second every picture is one frame; the test does not wait for more than one of them.
    fn opened(path: &Path) -> Result<Pictures, SourceError> {
        let mut pictures = Pictures::open(path, &SourceOptions { interval: Some(HOLD), resolution: None })?;
        pictures.pace = Pace::new(std::time::Duration::ZERO);
        Ok(pictures)
    }

    /// The width of the next picture, or why there is none.
    fn next(pictures: &mut Pictures) -> Result<u32, String> {
        match pictures.next(&Stop::new()) {
            Ok(Next::Frame(captured)) => Ok(captured.pixels.decode().unwrap().width()),
            Ok(Next::Skipped(reason)) => Err(reason),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn a_folder_is_shown_in_order_again_and_again_and_broken_files_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        png(&folder.path().join("b.PNG"), 3);
        png(&folder.path().join("d.png"), 5);
        fs::write(folder.path().join("a.jpg"), JPEG).unwrap();
        fs::write(folder.path().join("c.jpg"), &JPEG[..300]).unwrap();
        fs::write(folder.path().join("notes.txt"), "no picture").unwrap();
        fs::create_dir(folder.path().join("e.png")).unwrap();
        let mut pictures = opened(folder.path()).unwrap();
        for _round in 0..3 {
            assert_eq!([next(&mut pictures), next(&mut pictures)], [Ok(16), Ok(3)]);
            let reason = next(&mut pictures).unwrap_err();
            assert!(reason.contains("c.jpg was left out") && reason.contains("damaged"), "{reason}");
            assert_eq!(next(&mut pictures), Ok(5));
            assert!(next(&mut pictures).unwrap_err().contains("e.png was left out"));
        }
    }

    #[test]
    fn a_picture_is_read_by_its_content_and_not_its_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.png"), JPEG).unwrap();
        assert_eq!(next(&mut opened(folder.path()).unwrap()), Ok(16));
    }

    #[test]
    fn a_single_file_is_shown_on_and_on_even_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("one.png");
        png(&file, 7);
        let mut pictures = opened(&file).unwrap();
        for _ in 0..5 {
            assert_eq!(next(&mut pictures), Ok(7));
        }
    }

    #[test]
    fn a_folder_without_pictures_is_an_error_and_so_is_one_of_broken_files() {
        let folder = tempfile::tempdir().unwrap();
        let error = opened(folder.path()).unwrap_err().to_string();
        assert!(error.contains("no file there ends in .png, .jpg, .jpeg, .bmp, .webp"), "{error}");
        fs::write(folder.path().join("a.png"), "nonsense").unwrap();
        fs::write(folder.path().join("b.png"), "nonsense").unwrap();
        let mut pictures = opened(folder.path()).unwrap();
        assert!(next(&mut pictures).unwrap_err().contains("a.png was left out"));
        assert!(next(&mut pictures).unwrap_err().contains("b.png was left out"));
        assert!(next(&mut pictures).unwrap_err().contains("NoPictures"));
        assert!(matches!(opened(&folder.path().join("none")), Err(SourceError::Unreadable { .. })));
    }
}
