//! Programs that are killed at any moment (SIGKILL, `TerminateProcess`) of a save, an export, a sweep or a download:
//! nothing is lost, and nothing is half.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

#[path = "support/program.rs"]
mod program;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use shufflescope::weights_store::{Expected, Server, fetch};
use shufflescope::window::Command;
use shufflescope_engine::design::{Design, Edit};
use support::{Window, setup, small};

/// How often each kind is killed: a hundred times in all. A point of a sweep takes seconds.
const EXPORTS: u32 = 42;
const SWEEPS: u32 = 8;
const DOWNLOADS: u32 = 25;
const SAVES: u32 = 25;

/// Moments at random, the same in every run.
struct Moments(u64);

impl Moments {
    fn below(&mut self, limit: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        limit.mul_f64((self.0 >> 40) as f64 / (1_u64 << 24) as f64)
    }
}

/// Kills the child after a while, if it has not ended by itself.
fn kill_after(mut child: Child, after: Duration) {
    let start = Instant::now();
    while start.elapsed() < after {
        if child.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    child.wait().unwrap();
}

/// The program with the user's data in `folder`.
fn silent(folder: &Path, arguments: &[&str]) -> Process {
    let mut process = program::command(folder, arguments);
    let _ = process.stdout(Stdio::null()).stderr(Stdio::null());
    process
}

/// This test program as another process that plays `part`, with everything it writes in `folder`.
fn play(part: &str, folder: &Path, more: &[(&str, &str)]) -> Child {
    let mut process = Process::new(std::env::current_exe().unwrap());
    let _ = process.args(["--ignored", "--exact", part]).env("KILLED_IN", folder);
    let _ = process.envs(more.iter().copied()).stdout(Stdio::null()).stderr(Stdio::null());
    process.spawn().unwrap()
}

/// Where a part is played; `None` where nobody asked for it.
fn stage() -> Option<PathBuf> {
    std::env::var_os("KILLED_IN").map(PathBuf::from)
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn an_export_leaves_the_old_file_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    let export = |network: &str| silent(folder.path(), &["export", network, "--force", "-o", path.to_str().unwrap()]);
    let mut both = Vec::new();
    let mut takes = Duration::ZERO;
    for network in ["shufflenet-v2-x0.5", "shufflenet-v2-x1.0"] {
        let start = Instant::now();
        assert!(export(network).status().unwrap().success());
        takes = start.elapsed();
        both.push(fs::read(&path).unwrap());
    }
    let mut moments = Moments(1);
    for kill in 0..EXPORTS {
        let network = ["shufflenet-v2-x0.5", "shufflenet-v2-x1.0"][kill as usize % 2];
        kill_after(export(network).spawn().unwrap(), moments.below(takes));
        assert!(both.contains(&fs::read(&path).unwrap()), "kill {kill}: neither the old file nor the new one");
    }
    assert!(export("shufflenet-v2-x0.5").status().unwrap().success());
    assert_eq!(fs::read(&path).unwrap(), both[0]);
    let left: Vec<String> = names(folder.path()).into_iter().filter(|name| name.contains("shufflescope-")).collect();
    assert_eq!(left, [] as [String; 0], "the next export sweeps up");
}

#[test]
fn a_sweep_keeps_every_point_that_was_finished() {
    let folder = tempfile::tempdir().unwrap();
    let (design, results) = (folder.path().join("tiny.toml"), folder.path().join("points.jsonl"));
    fs::write(&design, small().to_toml().unwrap()).unwrap();
    let arguments = ["sweep", design.to_str().unwrap(), "--width", "0.25..1.5:0.05", "--threads", "1"];
    let arguments: Vec<&str> = arguments.into_iter().chain(["--results", results.to_str().unwrap()]).collect();
    let mut moments = Moments(2);
    let mut before: Vec<String> = Vec::new();
    for kill in 0..SWEEPS {
        kill_after(silent(folder.path(), &arguments).spawn().unwrap(), moments.below(Duration::from_secs(9)));
        let text = fs::read_to_string(&results).unwrap_or_default();
        // A line without its end is the point that was being written.
        let whole: Vec<String> =
            text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(Into::into).collect();
        assert!(whole.starts_with(&before), "kill {kill}: a point that was finished is gone");
        for line in &whole {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "kill {kill}: {line}");
        }
        before = whole;
    }
    assert!(!before.is_empty(), "there was something to lose");
    let some = ["sweep", design.to_str().unwrap(), "--width", "0.25,0.3", "--threads", "1", "--results"];
    let some: Vec<&str> = some.into_iter().chain([results.to_str().unwrap()]).collect();
    assert!(silent(folder.path(), &some).status().unwrap().success(), "what was left is taken up");
    let after = fs::read_to_string(&results).unwrap();
    assert!(before.iter().all(|line| after.contains(line.as_str())));
}

/// About 2 MB.
fn body() -> Vec<u8> {
    (0..2_000_003_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect()
}

fn name_of(body: &[u8]) -> String {
    let digits: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("net-{}.pth", &digits[..10])
}

/// A server that takes about half a second for the whole body and can begin in the middle.
fn slow_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            std::thread::spawn(move || {
                let mut head = String::new();
                let mut lines = BufReader::new(&stream);
                while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).is_ok_and(|count| count > 0) {}
                let head = head.to_lowercase();
                let from = head.split_once("range: bytes=").and_then(|(_, range)| range.split_once('-'));
                let from: usize = from.map_or(0, |(from, _)| from.parse().unwrap());
                let (body, all) = (body(), body().len());
                let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
                let range = format!("Content-Range: bytes {from}-{}/{all}\r\n", all - 1);
                let length = format!("Content-Length: {}\r\nConnection: close\r\n", all - from);
                let _ = write!(stream, "HTTP/1.1 {status}\r\n{range}{length}\r\n");
                for piece in body[from..].chunks(40_000) {
                    std::thread::sleep(Duration::from_millis(10));
                    if stream.write_all(piece).is_err() {
                        return;
                    }
                }
            });
        }
    });
    base_url
}

#[test]
#[ignore = "a part that `a_download_goes_on_and_is_never_taken_for_whole` plays in another process"]
fn downloading() {
    let Some(folder) = stage() else { return };
    let server = Server { base_url: std::env::var("KILLED_URL").unwrap(), patience: Duration::from_secs(20) };
    fetch(&Expected::of_name(&name_of(&body())).unwrap(), &folder, &server, &AtomicBool::new(false), &mut |_| {})
        .unwrap();
}

#[test]
fn a_download_goes_on_and_is_never_taken_for_whole() {
    let folder = tempfile::tempdir().unwrap();
    let url = slow_server();
    let (path, part) = (folder.path().join(name_of(&body())), folder.path().join(name_of(&body()) + ".part"));
    let mut moments = Moments(3);
    let (mut before, mut whole) = (0, 0);
    for kill in 0..DOWNLOADS {
        kill_after(
            play("downloading", folder.path(), &[("KILLED_URL", &url)]),
            moments.below(Duration::from_millis(400)),
        );
        if path.exists() {
            assert_eq!(fs::read(&path).unwrap(), body(), "kill {kill}");
            fs::remove_file(&path).unwrap();
            (before, whole) = (0, whole + 1);
            continue;
        }
        let kept = fs::read(&part).unwrap_or_default();
        assert!(kept.len() >= before && body().starts_with(&kept), "kill {kill}: what came is lost or spoilt");
        before = kept.len();
    }
    assert!(before > 0 || whole > 0, "something was downloaded");
    assert!(play("downloading", folder.path(), &[("KILLED_URL", &url)]).wait().unwrap().success());
    assert_eq!(fs::read(&path).unwrap(), body());
}

#[test]
#[ignore = "a part that `a_window_loses_nothing_that_was_saved_or_kept` plays in another process"]
fn editing() {
    let Some(folder) = stage() else { return };
    let path = folder.join("mine.toml");
    let mut window = Window::with(setup(Some(&folder.join("data"))), [1000.0, 640.0], egui::Theme::Dark);
    window.harness.state_mut().command(Command::Open(path.clone()));
    window.wait("the file", |app| app.document().file() == Some(path.as_path()));
    loop {
        let classes = window.app().document().draft().classes + 1;
        let harness = &mut window.harness;
        harness.state_mut().command(Command::Edit(Edit::Classes(classes)));
        harness.step();
        harness.state_mut().command(Command::Save);
        harness.step();
        window.wait("the save", |app| !app.document().is_modified());
        fs::write(folder.join("saved.txt"), classes.to_string()).unwrap();
    }
}

#[test]
fn a_window_loses_nothing_that_was_saved_or_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (path, told) = (folder.path().join("mine.toml"), folder.path().join("saved.txt"));
    let mut moments = Moments(4);
    fs::write(&path, small().to_toml().unwrap()).unwrap();
    let mut highest = 0;
    for kill in 0..SAVES {
        kill_after(
            play("editing", folder.path(), &[]),
            Duration::from_millis(300) + moments.below(Duration::from_secs(1)),
        );
        let design = Design::read(&path).unwrap_or_else(|error| panic!("kill {kill}: {error}"));
        assert!(design.check().is_ok());
        // The note of a save comes after it, and may itself be half.
        let saved = fs::read_to_string(&told).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        assert!(design.classes >= saved && design.classes >= highest, "kill {kill}: {} < {saved}", design.classes);
        highest = design.classes;
    }
    assert!(highest > small().classes, "something was saved");
    // The next window has the design as it was kept, or as it was saved.
    let mut start = setup(Some(&folder.path().join("data")));
    start.design = None;
    let window = Window::with(start, [1000.0, 640.0], egui::Theme::Dark);
    let draft = window.app().document().draft();
    assert!(draft.check().is_ok() && draft.classes + 2 >= small().classes);
    window.close();
}
