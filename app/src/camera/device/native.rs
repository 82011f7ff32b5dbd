//! Cameras on Windows (Media Foundation) and macOS (AVFoundation).
//!
//! Waiting for a frame cannot be interrupted there, so a thread of its own waits and keeps the newest frame only.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, CameraInfo, FrameFormat, RequestedFormat, RequestedFormatType,
};
use nokhwa::{Buffer, Camera, NokhwaError, native_api_backend, nokhwa_check, nokhwa_initialize, query};

use super::super::{
    Captured, FrameSource, Listed, Mailbox, Next, PixelFormat, RawImage, Resolution, SourceError, SourceOptions,
    SourceSpec, Stop,
};
use super::choice;

/// Longest time without a frame.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest time for a person to answer the system's question whether the camera may be used.
const QUESTION: Duration = Duration::from_secs(60);
/// How often a wait looks up whether it is time to stop.
const LOOK_UP: Duration = Duration::from_millis(50);
/// How long a camera is waited for when it is closed; normally it gives its next frame before.
const CLOSING: Duration = Duration::from_millis(150);

/// On macOS the system converts whatever the camera has to YUYV; its other formats come in variants not told apart.
const FORMATS: &[(FrameFormat, PixelFormat)] = if cfg!(target_os = "macos") {
    &[(FrameFormat::YUYV, PixelFormat::Yuyv)]
} else {
    &[
        (FrameFormat::YUYV, PixelFormat::Yuyv),
        (FrameFormat::NV12, PixelFormat::Nv12),
        (FrameFormat::MJPEG, PixelFormat::Mjpeg),
    ]
};

/// The camera's thread and what it has to say.
struct Watched {
    name: String,
    news: Arc<Mailbox<Result<RawImage, SourceError>>>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
    last_frame: Instant,
    patience: Duration,
}

/// Every camera the system knows.
pub(in super::super) fn list() -> Vec<Listed> {
    let unavailable = |problem: String| Listed {
        source: SourceSpec::Device("0".into()),
        name: "cameras".into(),
        formats: Vec::new(),
        sizes: Vec::new(),
        problem: Some(problem),
    };
    match cameras() {
        Ok(cameras) => cameras
            .iter()
            .map(|camera| Listed {
                source: SourceSpec::Device(camera.index().as_string()),
                name: camera.human_name(),
                // Asking for formats would switch the camera on.
                formats: Vec::new(),
                sizes: Vec::new(),
                problem: None,
            })
            .collect(),
        Err(error) => vec![unavailable(error.to_string())],
    }
}

fn cameras() -> Result<Vec<CameraInfo>, NokhwaError> {
    query(native_api_backend().unwrap_or(ApiBackend::Auto))
}

/// Opens a camera by its number or name. What goes wrong is told in place of the first frame.
pub(in super::super) fn open(name: &str, options: &SourceOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    let (news, stop) = (Arc::new(Mailbox::default()), Stop::new());
    let (to, stopped, device, options) = (Arc::clone(&news), stop.clone(), name.to_owned(), *options);
    let spawned = Builder::new().name("camera device".into()).spawn(move || {
        if let Err(error) = keep_newest(&device, &options, &to, &stopped) {
            to.put(Err(error));
        }
    });
    let thread = Some(spawned.map_err(|error| SourceError::Device { device: name.into(), reason: error.to_string() })?);
    let (name, last_frame) = (name.to_owned(), Instant::now());
    Ok(Box::new(Watched { name, news, stop, thread, last_frame, patience: QUESTION }))
}

impl FrameSource for Watched {
    fn next(&mut self, stop: &Stop) -> Result<Next, SourceError> {
        loop {
            match self.news.take(LOOK_UP) {
                Some(Ok(image)) => {
                    self.last_frame = Instant::now();
                    self.patience = PATIENCE;
                    return Ok(Next::Frame(Captured::from(image)));
                }
                Some(Err(error)) => return Err(error),
                None if stop.is_raised() => return Ok(Next::Stopped),
                None if self.last_frame.elapsed() > self.patience => {
                    let seconds = self.patience.as_secs();
                    return Err(SourceError::Stalled { source_name: self.name.clone(), seconds });
                }
                None if self.thread.as_ref().is_none_or(JoinHandle::is_finished) => {
                    let reason = "its driver gave an answer that makes no sense".to_owned();
                    return Err(SourceError::Device { device: self.name.clone(), reason });
                }
                None => {}
            }
        }
    }
}

impl Drop for Watched {
    /// Waits for the camera to be closed, but not for one that hangs: its thread closes it when it comes back.
    fn drop(&mut self) {
        self.stop.raise();
        let Some(thread) = self.thread.take() else { return };
        let started = Instant::now();
        while !thread.is_finished() && started.elapsed() < CLOSING {
            std::thread::sleep(Duration::from_millis(5));
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

/// Owns the camera until it is time to stop.
fn keep_newest(
    name: &str,
    options: &SourceOptions,
    news: &Mailbox<Result<RawImage, SourceError>>,
    stop: &Stop,
) -> Result<(), SourceError> {
    let index = index_of(name)?;
    ask_permission(name, stop)?;
    if stop.is_raised() {
        return Ok(());
    }
    let failed = |error: NokhwaError| told(name, &error);
    let known: Vec<FrameFormat> = FORMATS.iter().map(|(format, _)| *format).collect();
    let first = RequestedFormat::with_formats(RequestedFormatType::None, &known);
    let mut camera = Camera::new(index, first).map_err(failed)?;
    let offered = camera.compatible_camera_formats().map_err(failed)?;
    if let Some(format) = nearest(&offered, options) {
        let exact = RequestedFormatType::Exact(format);
        camera.set_camera_requset(RequestedFormat::with_formats(exact, &[format.format()])).map_err(failed)?;
    }
    camera.open_stream().map_err(failed)?;
    while !stop.is_raised() {
        let frame = camera.frame().map_err(failed)?;
        news.put(Ok(image(&frame).ok_or_else(|| {
            let reason = format!("it gives {}", frame.source_frame_format());
            SourceError::Unsupported { device: name.to_owned(), reason }
        })?));
    }
    let _ = camera.stop_stream();
    Ok(())
}

/// On macOS the system asks the person once; elsewhere it decides by its settings.
fn ask_permission(name: &str, stop: &Stop) -> Result<(), SourceError> {
    if nokhwa_check() {
        return Ok(());
    }
    let (answer, answers) = sync_channel(1);
    nokhwa_initialize(move |granted| {
        let _ = answer.try_send(granted);
    });
    let started = Instant::now();
    loop {
        match answers.recv_timeout(LOOK_UP) {
            Ok(true) => return Ok(()),
            Err(RecvTimeoutError::Timeout) if stop.is_raised() => return Ok(()),
            Err(RecvTimeoutError::Timeout) if started.elapsed() < QUESTION => {}
            _ => return Err(SourceError::PermissionDenied { device: name.to_owned() }),
        }
    }
}

/// The camera of this number or name.
fn index_of(name: &str) -> Result<CameraIndex, SourceError> {
    let cameras = cameras().map_err(|error| told(name, &error))?;
    let found = cameras.iter().find(|camera| camera.index().as_string() == name || camera.human_name() == name);
    found.map(|camera| camera.index().clone()).ok_or_else(|| SourceError::NoCamera { device: name.to_owned() })
}

/// The offered format nearest to what is wanted: size and pixel format first, then rate.
fn nearest(offered: &[CameraFormat], options: &SourceOptions) -> Option<CameraFormat> {
    let known = |format: FrameFormat| FORMATS.iter().find(|(known, _)| *known == format).map(|&(_, format)| format);
    let size = |format: &CameraFormat| Resolution { width: format.width(), height: format.height() };
    let choices = offered.iter().filter_map(|format| Some((known(format.format())?, size(format))));
    let choice = choice::nearest(choices, options.wanted_resolution())?;
    let rate = (1e9 / options.wanted_interval().as_f64().max(1.0)).round() as u32;
    let matching =
        offered.iter().filter(|format| known(format.format()).map(|known| (known, size(format))) == Some(choice));
    matching.min_by_key(|format| format.frame_rate().abs_diff(rate)).copied()
}

/// The frame as it came; `None` where its format is none that was asked for.
fn image(frame: &Buffer) -> Option<RawImage> {
    let format = FORMATS.iter().find(|(known, _)| *known == frame.source_frame_format()).map(|&(_, format)| format)?;
    let (width, height) = (frame.resolution().width(), frame.resolution().height());
    let bytes = frame.buffer().to_vec();
    // Rows of packed pixels may be padded; nothing but the length says so.
    let stride = match format {
        PixelFormat::Yuyv | PixelFormat::Rgb24 => bytes.len() / (height as usize).max(1),
        PixelFormat::Nv12 | PixelFormat::Mjpeg => 0,
    };
    Some(RawImage { format, width, height, stride, bytes })
}

/// What a message means for somebody with a camera. Media Foundation's codes are part of the text.
fn told(name: &str, error: &NokhwaError) -> SourceError {
    let (device, reason) = (name.to_owned(), error.to_string());
    let has = |codes: &[&str]| codes.iter().any(|code| reason.contains(code));
    // E_ACCESSDENIED
    if has(&["0x80070005"]) {
        return SourceError::PermissionDenied { device };
    }
    // MF_E_HW_MFT_FAILED_START_STREAMING, MF_E_VIDEO_RECORDING_DEVICE_PREEMPTED; ERROR_SHARING_VIOLATION
    if has(&["0xC00D3704", "0xC00D3EA3", "0x80070020", "Rejected"]) {
        return SourceError::Busy { device };
    }
    // MF_E_VIDEO_RECORDING_DEVICE_INVALIDATED, ERROR_DEVICE_NOT_CONNECTED
    if has(&["0xC00D3EA2", "0x8007048F"]) {
        return SourceError::Unplugged { device };
    }
    SourceError::Device { device, reason }
}
