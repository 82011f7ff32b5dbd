//! Cameras on Linux, against a faked one: a shared library that is loaded before the system's answers for
//! `/dev/video9`. Each test starts itself again as a child with that library.

#![cfg(target_os = "linux")]
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use shufflescope::camera::{
    Capture, CaptureState, CaptureStatus, PixelFormat, Resolution, SharedClock, SourceError, SourceOptions, SourceSpec,
    list,
};
use shufflescope_engine::classify::Picture;
use shufflescope_engine::clock::MonotonicClock;

/// Set in a child, which then runs the test itself.
const CHILD: &str = "SHUFFLESCOPE_TEST_CHILD";
const PATIENCE: Duration = Duration::from_secs(60);
const SUPPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/camera");

/// The library that fakes a camera; `None`, with the reason printed, where it cannot be built.
fn fake_camera() -> Option<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fake_v4l2_{}.so", std::process::id()));
        let source = Path::new(SUPPORT).join("fake_v4l2.c");
        let mut gcc = Command::new("gcc");
        gcc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        match gcc.output() {
            Ok(output) if output.status.success() => Ok(library),
            Ok(output) => panic!("the fake camera does not build: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => Err(format!("skipped, there is no gcc to build the fake camera with ({error})")),
        }
    });
    built.as_deref().inspect_err(|reason| eprintln!("{reason}")).ok()
}

/// Runs `body` in a child for which there is a camera with these settings.
fn with_camera(test: &str, settings: &[(&str, &str)], body: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return body();
    }
    let Some(library) = fake_camera() else { return };
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([&format!("device::{test}"), "--exact", "--nocapture"]).env(CHILD, "1").env("LD_PRELOAD", library);
    let output = child.envs(settings.iter().copied()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn capture(resolution: Option<Resolution>) -> Capture {
    let clock: SharedClock = Arc::new(MonotonicClock::new());
    let spec: SourceSpec = "device:9".parse().unwrap();
    Capture::start(&spec, SourceOptions { resolution, interval: None }, clock).unwrap()
}

fn wait_for(capture: &Capture, what: &str, ready: impl Fn(&CaptureStatus) -> bool) -> CaptureStatus {
    let start = Instant::now();
    loop {
        let status = capture.status();
        if ready(&status) {
            return status;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}: {status:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn next_picture(capture: &Capture) -> Arc<Picture> {
    capture.mailbox().take(PATIENCE).unwrap().pixels.decode().unwrap()
}

fn assert_red_and_blue(picture: &Picture) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixel = |x: usize, y: usize| &picture.rgb()[(y * width + x) * 3..][..3];
    for y in [1, height / 2, height - 2] {
        assert!(matches!(pixel(width / 4, y), [250..=255, 0..6, 0..6]), "{:?}", pixel(width / 4, y));
        assert!(matches!(pixel(width * 3 / 4, y), [0..6, 0..6, 250..=255]), "{:?}", pixel(width * 3 / 4, y));
    }
}

fn frames_of(test: &str, four_cc: &str, size: (u32, u32)) {
    let jpeg = format!("{SUPPORT}/red_and_blue.jpg");
    with_camera(test, &[("FAKE_FORMAT", four_cc), ("FAKE_JPEG", &jpeg)], || {
        let capture = capture(None);
        for _ in 0..5 {
            let picture = next_picture(&capture);
            assert_eq!((picture.width(), picture.height()), size);
            assert_red_and_blue(&picture);
        }
        assert_eq!(capture.status().state, CaptureState::Running);
    });
}

#[test]
fn yuyv_frames_with_padded_rows_have_their_colours() {
    frames_of("yuyv_frames_with_padded_rows_have_their_colours", "YUYV", (64, 48));
}

#[test]
fn nv12_frames_have_their_colours() {
    frames_of("nv12_frames_have_their_colours", "NV12", (64, 48));
}

#[test]
fn rgb24_frames_have_their_colours() {
    frames_of("rgb24_frames_have_their_colours", "RGB3", (64, 48));
}

#[test]
fn mjpeg_frames_have_their_colours_and_their_own_size() {
    frames_of("mjpeg_frames_have_their_colours_and_their_own_size", "MJPG", (16, 16));
}

#[test]
fn the_nearest_size_is_chosen_and_the_camera_is_free_again_after_closing() {
    with_camera("the_nearest_size_is_chosen_and_the_camera_is_free_again_after_closing", &[], || {
        for (wanted, got) in [((20, 20), 32), ((1920, 1080), 64)] {
            let capture = capture(Some(Resolution { width: wanted.0, height: wanted.1 }));
            assert_eq!(next_picture(&capture).width(), got);
        }
    });
}

#[test]
fn a_camera_is_listed_with_its_formats_and_sizes() {
    with_camera("a_camera_is_listed_with_its_formats_and_sizes", &[], || {
        let listed = list();
        let camera = listed.iter().find(|camera| camera.source == SourceSpec::Device("/dev/video9".into())).unwrap();
        assert_eq!((camera.name.as_str(), camera.problem.as_deref()), ("Fake Camera", None));
        assert_eq!(camera.formats, [PixelFormat::Yuyv]);
        assert_eq!(camera.sizes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["32x24", "64x48"]);
    });
}

#[test]
fn a_camera_that_may_not_be_used_says_what_to_do_and_works_once_it_may() {
    let name = "a_camera_that_may_not_be_used_says_what_to_do_and_works_once_it_may";
    with_camera(name, &[("FAKE_DENIED", "3")], || {
        let problem = list().into_iter().find_map(|camera| camera.problem).unwrap();
        assert!(problem.contains("/dev/video9") && problem.contains("group `video`"), "{problem}");
        let capture = capture(None);
        let status = wait_for(&capture, "the refusal", |status| status.last_error.is_some());
        assert!(matches!(status.last_error, Some(SourceError::PermissionDenied { .. })), "{status:?}");
        assert_red_and_blue(&next_picture(&capture));
    });
}

#[test]
fn a_busy_camera_says_so_and_works_once_it_is_free() {
    with_camera("a_busy_camera_says_so_and_works_once_it_is_free", &[("FAKE_BUSY", "2")], || {
        let capture = capture(None);
        let status = wait_for(&capture, "the refusal", |status| status.last_error.is_some());
        assert!(matches!(status.last_error, Some(SourceError::Busy { .. })), "{status:?}");
        assert_red_and_blue(&next_picture(&capture));
        assert_eq!(capture.status().reconnects, 0, "it never worked before");
    });
}

#[test]
fn a_camera_that_is_unplugged_says_so_and_comes_back_when_it_is_plugged_in() {
    let name = "a_camera_that_is_unplugged_says_so_and_comes_back_when_it_is_plugged_in";
    with_camera(name, &[("FAKE_UNPLUG", "5"), ("FAKE_GONE", "2")], || {
        let capture = capture(None);
        let status = wait_for(&capture, "the loss", |status| status.last_error.is_some());
        assert!(matches!(status.last_error, Some(SourceError::Unplugged { .. })), "{status:?}");
        let status = wait_for(&capture, "the return", |status| status.frames > 5);
        assert_eq!((status.reconnects, status.state), (1, CaptureState::Running));
        assert!(matches!(status.last_error, Some(SourceError::Unplugged { .. })));
        assert_red_and_blue(&next_picture(&capture));
    });
}

#[test]
fn damaged_frames_are_left_out_and_counted() {
    with_camera("damaged_frames_are_left_out_and_counted", &[("FAKE_DAMAGED", "3")], || {
        let capture = capture(None);
        assert_red_and_blue(&next_picture(&capture));
        let status = capture.status();
        assert_eq!((status.skipped, status.last_skipped.as_deref()), (3, Some("the camera gave a damaged frame")));
    });
}

/// The program with the fake camera: its exit code, stdout and stderr.
fn program(settings: &[(&str, &str)], args: &[&str]) -> Option<(Option<i32>, String, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shufflescope"));
    command.args(args).env("LD_PRELOAD", fake_camera()?).envs(settings.iter().copied());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Some((output.status.code(), text(output.stdout), text(output.stderr)))
}

const RUN: [&str; 7] = ["camera", "run", "--source", "device:/dev/video9", "--seconds", "1.5", "--json"];

#[test]
fn the_command_line_lists_the_camera_and_runs_it() {
    let Some((code, listing, _)) = program(&[], &["camera", "list", "--json"]) else { return };
    let listing: Value = serde_json::from_str(&listing).unwrap();
    let sources = listing["sources"].as_array().unwrap();
    let camera = sources.iter().find(|source| source["source"] == "device:/dev/video9").unwrap();
    assert_eq!((code, &camera["name"], &camera["sizes"][1]), (Some(0), &"Fake Camera".into(), &"64x48".into()));

    let (code, report, said) = program(&[("FAKE_UNPLUG", "20")], &RUN).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((code, &report["resolution"], &report["reconnects"]), (Some(0), &"64x48".into(), &1.into()), "{said}");
    assert!(said.contains("was unplugged") && said.contains("frames come again"), "{said}");
    assert!(report["frames"].as_u64().unwrap() > 20);
}

#[test]
fn the_command_line_does_not_wait_for_a_camera_that_cannot_be_used() {
    for (setting, expected) in [("FAKE_DENIED", "group `video`"), ("FAKE_BUSY", "close the other program")] {
        let Some((code, report, said)) = program(&[(setting, "999")], &RUN) else { return };
        assert_eq!((code, report.as_str()), (Some(1), ""));
        assert!(said.starts_with("error: ") && said.contains(expected) && !said.contains("panicked"), "{said}");
    }
}
