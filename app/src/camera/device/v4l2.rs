//! Cameras on Linux: Video4Linux, streaming into memory that is shared with the driver.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linuxvideo::format::{FrameSizes, PixFormat, PixelFormat as FourCc};
use linuxvideo::stream::ReadStream;
use linuxvideo::{BufType, CapabilityFlags, Device, Fract};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use shufflescope_engine::units::Nanos;

use super::super::{
    Captured, FrameSource, Listed, Next, PixelFormat, RawImage, Resolution, SourceError, SourceOptions, SourceSpec,
    Stop,
};
use super::choice;

/// Longest time without a frame.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a wait looks up whether it is time to stop.
const LOOK_UP: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// Largest frame that is taken from a driver.
const LARGEST_FRAME: usize = 64 << 20;

const FORMATS: [(FourCc, PixelFormat); 5] = [
    (FourCc::YUYV, PixelFormat::Yuyv),
    (FourCc::from_fourcc(*b"NV12"), PixelFormat::Nv12),
    (FourCc::RGB3, PixelFormat::Rgb24),
    (FourCc::MJPG, PixelFormat::Mjpeg),
    (FourCc::JPEG, PixelFormat::Mjpeg),
];

/// A camera that streams.
struct Camera {
    name: String,
    stream: ReadStream,
    format: PixelFormat,
    size: Resolution,
    stride: usize,
    last_frame: Instant,
}

/// Every device that captures pictures, in the order of its number, and those that may not be asked.
pub(in super::super) fn list() -> Vec<Listed> {
    let Ok(entries) = fs::read_dir("/dev") else { return Vec::new() };
    let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("video")?.parse::<u32>().ok();
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut numbered: Vec<(u32, PathBuf)> = paths.filter_map(|path| Some((number(&path)?, path))).collect();
    numbered.sort_unstable();
    numbered.iter().filter_map(|(_, path)| listed(path)).collect()
}

/// What there is to say about a device; `None` where it is no camera.
fn listed(path: &Path) -> Option<Listed> {
    let name = path.display().to_string();
    let source = SourceSpec::Device(name.clone());
    match open_device(&name) {
        Ok(device) => {
            let offers = offers(&device, Resolution::DEFAULT);
            let mut sizes: Vec<Resolution> = offers.iter().map(|&(_, _, size)| size).collect();
            sizes.sort_unstable_by_key(|size| (u64::from(size.width) * u64::from(size.height), size.width));
            sizes.dedup();
            let mut formats: Vec<PixelFormat> = offers.iter().map(|&(_, format, _)| format).collect();
            formats.dedup();
            Some(Listed { source, name: card(path, &device), formats, sizes, problem: None })
        }
        // The second node of most cameras gives metadata and no pictures.
        Err(SourceError::Unsupported { .. }) => None,
        Err(error) => {
            let problem = Some(error.to_string());
            Some(Listed { source, name: name.clone(), formats: Vec::new(), sizes: Vec::new(), problem })
        }
    }
}

/// The camera's name as the system shows it.
fn card(path: &Path, device: &Device) -> String {
    let file = path.file_name().unwrap_or_default();
    let told = fs::read(Path::new("/sys/class/video4linux").join(file).join("name"));
    let told = told.map(|name| String::from_utf8_lossy(&name).trim().to_owned()).unwrap_or_default();
    if told.is_empty() { device.capabilities().map(|known| known.card().to_owned()).unwrap_or_default() } else { told }
}

/// Opens `/dev/video0`, or `0` for short, and starts it.
pub(in super::super) fn open(name: &str, options: &SourceOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    let path =
        if name.bytes().all(|byte| byte.is_ascii_digit()) { format!("/dev/video{name}") } else { name.to_owned() };
    let device = open_device(&path)?;
    let failed = |error: io::Error| told(&path, &error);
    let unsupported = |reason: String| SourceError::Unsupported { device: path.clone(), reason };

    let wanted = options.wanted_resolution();
    let offers = offers(&device, wanted);
    let choice = choice::nearest(offers.iter().map(|&(_, format, size)| (format, size)), wanted);
    let chosen = choice.and_then(|choice| offers.iter().find(|&&(_, format, size)| (format, size) == choice));
    let Some(&(four_cc, _, size)) = chosen else {
        return Err(unsupported(format!("it has {}", other_formats(&device))));
    };
    let device = device.video_capture(PixFormat::new(size.width, size.height, four_cc)).map_err(failed)?;

    // The driver's word counts, not what it was asked for.
    let got = device.format();
    let format = FORMATS.iter().find(|(known, _)| *known == got.pixel_format()).map(|&(_, format)| format);
    let format = format.ok_or_else(|| unsupported(format!("it insists on {}", got.pixel_format())))?;
    let size = Resolution { width: got.width(), height: got.height() };
    let stride = usize::try_from(got.bytes_per_line()).unwrap_or(0);
    // Many drivers have one rate only; whatever they keep is shown as it is measured.
    let _ = device.set_frame_interval(fract(options.wanted_interval()));
    let stream = device.into_stream().map_err(failed)?;
    Ok(Box::new(Camera { name: path, stream, format, size, stride, last_frame: Instant::now() }))
}

fn open_device(path: &str) -> Result<Device, SourceError> {
    let device = Device::open(path).map_err(|error| told(path, &error))?;
    let abilities = device.capabilities().map_err(|error| told(path, &error))?.device_capabilities();
    let unsupported = |reason: &str| SourceError::Unsupported { device: path.to_owned(), reason: reason.to_owned() };
    if !abilities.contains(CapabilityFlags::VIDEO_CAPTURE) {
        return Err(unsupported("it is no capture device; a camera often has a second one that is"));
    }
    if !abilities.contains(CapabilityFlags::STREAMING) {
        return Err(unsupported("it does not stream"));
    }
    Ok(device)
}

/// The formats known here, with each size the device has, or the nearest of a range.
fn offers(device: &Device, wanted: Resolution) -> Vec<(FourCc, PixelFormat, Resolution)> {
    let formats = device.formats(BufType::VIDEO_CAPTURE).map_while(Result::ok).take(64);
    let known = |four_cc: FourCc| FORMATS.iter().find(|(known, _)| *known == four_cc).copied();
    let known = formats.filter_map(|format| known(format.pixel_format()));
    known
        .flat_map(|(four_cc, format)| {
            sizes(device, four_cc, wanted).into_iter().map(move |size| (four_cc, format, size))
        })
        .collect()
}

fn sizes(device: &Device, four_cc: FourCc, wanted: Resolution) -> Vec<Resolution> {
    match device.frame_sizes(four_cc) {
        Ok(FrameSizes::Discrete(sizes)) => {
            sizes.iter().map(|size| Resolution { width: size.width(), height: size.height() }).collect()
        }
        Ok(FrameSizes::Stepwise(range) | FrameSizes::Continuous(range)) => vec![Resolution {
            width: within(wanted.width, range.min_width(), range.max_width(), range.step_width()),
            height: within(wanted.height, range.min_height(), range.max_height(), range.step_height()),
        }],
        // A driver that does not say takes what it can of any wish.
        Err(_) => vec![wanted],
    }
}

/// The number nearest below `wanted` that is `least` plus whole steps, within the range.
fn within(wanted: u32, least: u32, most: u32, step: u32) -> u32 {
    let wanted = wanted.min(most).max(least);
    wanted - (wanted - least) % step.max(1)
}

/// What the device has instead of a known format.
fn other_formats(device: &Device) -> String {
    let formats = device.formats(BufType::VIDEO_CAPTURE).map_while(Result::ok).take(64);
    let mut names: Vec<String> = formats.map(|format| format.pixel_format().to_string()).collect();
    names.dedup();
    let names = if names.is_empty() { "no format".to_owned() } else { format!("only {}", names.join(", ")) };
    format!("{names}; YUYV, NV12, RGB24 and MJPEG can be used")
}

fn fract(interval: Nanos) -> Fract {
    // In units of 0.1 ms, which fit for anything from 10,000 frames per second to one in five days.
    Fract::new(u32::try_from(interval.0 / 100_000).unwrap_or(u32::MAX).max(1), 10_000)
}

/// What a system error means for somebody with a camera.
fn told(device: &str, error: &io::Error) -> SourceError {
    use rustix::io::Errno;
    let device = device.to_owned();
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NXIO | Errno::NODEV) => SourceError::NoCamera { device },
        Some(Errno::ACCESS | Errno::PERM) => SourceError::PermissionDenied { device },
        Some(Errno::BUSY) => SourceError::Busy { device },
        Some(Errno::NOTTY | Errno::INVAL | Errno::NOSYS | Errno::NOTDIR | Errno::ISDIR) => {
            SourceError::Unsupported { device, reason: format!("it is no camera ({error})") }
        }
        _ => SourceError::Device { device, reason: error.to_string() },
    }
}

impl Camera {
    /// Waits briefly for a frame; whether there is one, or news such as that it is gone.
    fn wait(&self) -> io::Result<bool> {
        let mut wanted = [PollFd::new(&self.stream, PollFlags::IN)];
        match poll(&mut wanted, Some(&LOOK_UP)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A device that was there and no longer answers is gone.
    fn lost(&self, error: &io::Error) -> SourceError {
        match told(&self.name, error) {
            SourceError::NoCamera { device } => SourceError::Unplugged { device },
            SourceError::Unsupported { device, reason } => SourceError::Device { device, reason },
            other => other,
        }
    }
}

impl FrameSource for Camera {
    fn next(&mut self, stop: &Stop) -> Result<Next, SourceError> {
        loop {
            if stop.is_raised() {
                return Ok(Next::Stopped);
            }
            if self.wait().map_err(|error| self.lost(&error))? {
                break;
            }
            if self.last_frame.elapsed() > PATIENCE {
                let seconds = PATIENCE.as_secs();
                return Err(SourceError::Stalled { source_name: self.name.clone(), seconds });
            }
        }
        let copied = self.stream.dequeue(|frame| {
            let usable = !frame.is_error() && !frame.is_empty() && frame.len() <= LARGEST_FRAME;
            Ok(usable.then(|| frame.to_vec()))
        });
        let Some(bytes) = copied.map_err(|error| self.lost(&error))? else {
            return Ok(Next::Skipped("the camera gave a damaged frame".into()));
        };
        self.last_frame = Instant::now();
        let (format, Resolution { width, height }, stride) = (self.format, self.size, self.stride);
        Ok(Next::Frame(Captured::from(RawImage { format, width, height, stride, bytes })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_become_what_a_person_can_do_something_about() {
        use rustix::io::Errno;
        let said = |errno: Errno| told("/dev/video0", &errno.into());
        assert!(matches!(said(Errno::NOENT), SourceError::NoCamera { .. }));
        assert!(matches!(said(Errno::ACCESS), SourceError::PermissionDenied { .. }));
        assert!(matches!(said(Errno::BUSY), SourceError::Busy { .. }));
        assert!(matches!(said(Errno::NOTTY), SourceError::Unsupported { .. }));
        assert!(matches!(said(Errno::IO), SourceError::Device { .. }));
    }

    #[test]
    fn a_wish_is_moved_into_a_range_of_sizes_and_onto_its_steps() {
        assert_eq!(within(640, 48, 1920, 16), 640);
        assert_eq!(within(650, 48, 1920, 16), 640);
        assert_eq!(within(10, 48, 1920, 16), 48);
        assert_eq!(within(5000, 48, 1920, 16), 1920);
        assert_eq!(within(5000, 1, 0, 0), 1, "a range that makes no sense gives its lower end");
    }

    #[test]
    fn a_file_that_is_no_camera_says_so() {
        let error = |name: &str| open(name, &SourceOptions::default()).err();
        assert!(matches!(error("/dev/null"), Some(SourceError::Unsupported { .. })));
        assert!(matches!(error("/dev/video-none"), Some(SourceError::NoCamera { .. })));
    }
}
