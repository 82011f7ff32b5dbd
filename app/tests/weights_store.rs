//! Downloads of weights against a server of this machine that does everything servers and networks do.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use shufflescope::weights_store::{Expected, FetchError, Progress, Server, Sizes, fetch};
use shufflescope_engine::units::Bytes;

/// A server whose `answer` gets the number of the connection, its request's head and the connection.
struct Site {
    server: Server,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Site {
    fn new(answer: impl Fn(usize, &str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/models/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(vec![]));
        let (log, answer) = (requests.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (Ok(mut stream), log, answer) = (stream, log.clone(), answer.clone()) else { continue };
                std::thread::spawn(move || {
                    let head = head(&stream);
                    log.lock().unwrap().push(head.clone());
                    answer(number, &head, &mut stream);
                });
            }
        });
        Self { server: Server { base_url, patience: Duration::from_secs(20) }, requests }
    }

    /// With so little patience that a stall is noticed while a test waits.
    fn impatient(mut self) -> Self {
        self.server.patience = Duration::from_millis(1500);
        self
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn fetch(&self, file: &str, folder: &Path) -> Result<PathBuf, FetchError> {
        fetch(&Expected::of_name(file)?, folder, &self.server, &AtomicBool::new(false), &mut |_| {})
    }
}

/// The head of a request in lower case.
fn head(stream: &TcpStream) -> String {
    let mut text = String::new();
    let mut lines = BufReader::new(stream);
    while let Ok(count) = lines.read_line(&mut text) {
        if count == 0 || text.ends_with("\r\n\r\n") {
            break;
        }
    }
    text.to_lowercase()
}

/// The first byte that the request asks for.
fn from(head: &str) -> Option<usize> {
    let (_, range) = head.split_once("range: bytes=")?;
    range.split_once('-')?.0.parse().ok()
}

fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let _ = write!(stream, "HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n");
    let _ = stream.write_all(body);
}

fn whole(stream: &mut TcpStream, body: &[u8]) {
    send(stream, "200 OK", &format!("Content-Length: {}\r\n", body.len()), body);
}

/// What a server that can begin in the middle answers.
fn ranged(stream: &mut TcpStream, head: &str, body: &[u8]) {
    match from(head) {
        None => whole(stream, body),
        Some(start) if start >= body.len() => {
            send(stream, "416 Range Not Satisfiable", &format!("Content-Range: bytes */{}\r\n", body.len()), b"");
        }
        Some(start) => {
            let rest = &body[start..];
            let range = format!("Content-Range: bytes {start}-{}/{}\r\n", body.len() - 1, body.len());
            send(stream, "206 Partial Content", &format!("{range}Content-Length: {}\r\n", rest.len()), rest);
        }
    }
}

/// Announces the whole body, sends half of it and closes.
fn half(stream: &mut TcpStream, body: &[u8]) {
    send(stream, "200 OK", &format!("Content-Length: {}\r\n", body.len()), &body[..body.len() / 2]);
}

/// About 300 kB.
fn body() -> Vec<u8> {
    (0..300_007_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect()
}

fn hash_of(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn name_of(body: &[u8]) -> String {
    format!("net-{}.pth", &hash_of(body)[..10])
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("data/weights");
    (folder, inside)
}

fn part(folder: &Path, file: &str) -> PathBuf {
    folder.join(format!("{file}.part"))
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_whole_file_is_checked_named_and_not_fetched_again() {
    let (_keep, folder) = folder();
    let site = Site::new(|_, head, stream| ranged(stream, head, &body()));
    let file = name_of(&body());
    let mut seen: Vec<Progress> = vec![];
    let expected = Expected::of_name(&file).unwrap();
    let path =
        fetch(&expected, &folder, &site.server, &AtomicBool::new(false), &mut |progress| seen.push(progress)).unwrap();
    assert_eq!((path.clone(), fs::read(&path).unwrap()), (folder.join(&file), body()));
    assert!(seen.is_sorted_by_key(|progress| progress.received) && seen.len() > 2);
    let total = Bytes(body().len() as u64);
    assert_eq!(seen.last(), Some(&Progress { received: total, total: Some(total) }));
    assert_eq!(files(&folder), 2, "the file and what was recorded of it, and nothing else");
    let record = fs::read_to_string(folder.join(format!("{file}.sha256"))).unwrap();
    assert_eq!(record, format!("# {} bytes, recorded on first use\n{}  {file}\n", body().len(), hash_of(&body())));
    assert!(site.requests()[0].starts_with(&format!("get /models/{file} http/1.1")));
    assert_eq!(site.fetch(&file, &folder).unwrap(), path);
    assert_eq!(site.requests().len(), 1, "what is there is not fetched again");

    fs::write(&path, b"damaged since").unwrap();
    site.fetch(&file, &folder).unwrap();
    assert_eq!(fs::read(&path).unwrap(), body());
}

#[test]
fn a_download_that_was_cut_goes_on_where_it_ended() {
    let (_keep, folder) = folder();
    let site = Site::new(|number, head, stream| match number {
        0 => half(stream, &body()),
        _ => ranged(stream, head, &body()),
    });
    let file = name_of(&body());
    let error = site.fetch(&file, &folder).unwrap_err();
    assert!(matches!(error, FetchError::Interrupted { .. }), "{error}");
    assert!(error.to_string().contains("goes on from there"), "{error}");
    let kept = fs::metadata(part(&folder, &file)).unwrap().len();
    assert_eq!(kept, body().len() as u64 / 2);
    assert!(!folder.join(&file).exists());
    assert_eq!(fs::read(site.fetch(&file, &folder).unwrap()).unwrap(), body());
    assert_eq!(from(&site.requests()[1]), Some(kept as usize));
    assert_eq!(files(&folder), 2, "the file and its record");
}

#[test]
fn a_server_that_cannot_begin_in_the_middle_begins_anew() {
    let (_keep, folder) = folder();
    let site = Site::new(|number, _, stream| match number {
        0 => half(stream, &body()),
        _ => whole(stream, &body()),
    });
    let file = name_of(&body());
    site.fetch(&file, &folder).unwrap_err();
    assert_eq!(fs::read(site.fetch(&file, &folder).unwrap()).unwrap(), body());
    assert_eq!(site.requests().len(), 2);
}

#[test]
fn a_server_that_sends_another_range_is_asked_for_everything() {
    let (_keep, folder) = folder();
    let site = Site::new(|number, head, stream| match number {
        0 => half(stream, &body()),
        1 => ranged(stream, "range: bytes=7-", &body()),
        _ => ranged(stream, head, &body()),
    });
    let file = name_of(&body());
    site.fetch(&file, &folder).unwrap_err();
    assert_eq!(fs::read(site.fetch(&file, &folder).unwrap()).unwrap(), body());
    assert_eq!(from(&site.requests()[2]), None);
}

#[test]
fn a_part_that_is_already_everything_or_too_much_is_told_by_its_hash() {
    let (_keep, folder) = folder();
    let site = Site::new(|_, head, stream| ranged(stream, head, &body()));
    let file = name_of(&body());
    fs::create_dir_all(&folder).unwrap();
    fs::write(part(&folder, &file), body()).unwrap();
    assert_eq!(fs::read(site.fetch(&file, &folder).unwrap()).unwrap(), body());
    assert_eq!(site.requests().len(), 1, "nothing had to come");

    fs::remove_file(folder.join(&file)).unwrap();
    fs::write(part(&folder, &file), [body(), vec![1, 2, 3]].concat()).unwrap();
    assert_eq!(fs::read(site.fetch(&file, &folder).unwrap()).unwrap(), body());
    assert_eq!(site.requests().len(), 3);
}

#[test]
fn a_damaged_beginning_is_fetched_again() {
    let (_keep, folder) = folder();
    let site = Site::new(|_, head, stream| ranged(stream, head, &body()));
    let file = name_of(&body());
    fs::create_dir_all(&folder).unwrap();
    fs::write(part(&folder, &file), vec![0; 1000]).unwrap();
    assert_eq!(fs::read(site.fetch(&file, &folder).unwrap()).unwrap(), body());
    assert_eq!(site.requests().iter().map(|head| from(head)).collect::<Vec<_>>(), [Some(1000), None]);
}

#[test]
fn other_bytes_than_those_published_never_get_the_files_name() {
    let (_keep, folder) = folder();
    let site = Site::new(|_, head, stream| ranged(stream, head, b"<html>please log in to this network</html>"));
    let file = name_of(&body());
    let error = site.fetch(&file, &folder).unwrap_err();
    let came = hash_of(b"<html>please log in to this network</html>");
    assert!(matches!(&error, FetchError::Corrupt { reason, .. } if reason.contains(&came)), "{error}");
    assert!(error.to_string().contains(&hash_of(&body())[..10]), "{error}");
    assert_eq!(files(&folder), 0);
}

#[test]
fn the_whole_hash_and_the_size_decide_where_they_are_known() {
    let (_keep, folder) = folder();
    let site = Site::new(|_, head, stream| ranged(stream, head, &body()));
    let (file, hash, size) = (name_of(&body()), hash_of(&body()), body().len() as u64);
    let fetched = |sha256: &str, from: u64, to: u64| {
        let expected = Expected { file: &file, sha256, sizes: Sizes { from: Bytes(from), to: Bytes(to) } };
        fetch(&expected, &folder, &site.server, &AtomicBool::new(false), &mut |_| {})
    };
    let last = if hash.ends_with('0') { "1" } else { "0" };
    let alike = format!("{}{last}", &hash[..63]);
    let error = fetched(&alike, size, size).unwrap_err();
    assert!(matches!(error, FetchError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains(&hash) && error.to_string().contains(&alike), "{error}");
    let error = fetched(&hash, size + 1, size + 9).unwrap_err();
    assert!(matches!(&error, FetchError::Corrupt { reason, .. } if reason.contains("bytes, not")), "{error}");
    let error = fetched(&hash, 1, size - 1).unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
    assert!(!folder.join(&file).exists());
    assert_eq!(fs::read(fetched(&hash, size, size).unwrap()).unwrap(), body());
    assert_eq!(files(&folder), 1, "what is known beforehand is not recorded");
}

#[test]
fn what_was_recorded_on_first_use_decides_over_the_start_of_a_hash() {
    let (_keep, folder) = folder();
    let site = Site::new(|_, head, stream| ranged(stream, head, &body()));
    let file = name_of(&body());
    let path = site.fetch(&file, &folder).unwrap();
    let other = format!("{}{}", &hash_of(&body())[..10], "0".repeat(54));
    let record = format!("# {} bytes, recorded on first use\n{other}  {file}\n", body().len());
    fs::write(folder.join(format!("{file}.sha256")), record).unwrap();
    fs::remove_file(path).unwrap();
    let error = site.fetch(&file, &folder).unwrap_err();
    assert!(matches!(&error, FetchError::Corrupt { reason, .. } if reason.contains("on first use")), "{error}");
    assert!(error.to_string().contains(&other) && error.to_string().contains(&hash_of(&body())), "{error}");
    assert!(!folder.join(&file).exists());
}

#[test]
fn a_mirrors_password_goes_to_the_mirror_alone_and_into_no_message() {
    let (_keep, folder) = folder();
    let file = name_of(&body());
    let elsewhere = Site::new(|_, head, stream| ranged(stream, head, &body()));
    let target = elsewhere.server.base_url.strip_prefix("http:").unwrap().to_owned();
    let mut mirror = Site::new(move |number, _, stream| match number {
        0 => send(stream, "302 Found", "Location: again?x\r\nContent-Length: 0\r\n", b""),
        1 => send(stream, "302 Found", &format!("Location: {target}net\r\nContent-Length: 0\r\n"), b""),
        2 => send(stream, "403 Forbidden", "Content-Length: 0\r\n", b""),
        _ => send(stream, "302 Found", "Location: http://you:hidden@cam:99999/\r\nContent-Length: 0\r\n", b""),
    });
    mirror.server.base_url = mirror.server.base_url.replace("http://", "http://me:s%65cret@");
    assert_eq!(fs::read(mirror.fetch(&file, &folder).unwrap()).unwrap(), body());
    assert!(mirror.requests()[..2].iter().all(|head| head.contains("authorization: basic bwu6c2vjcmv0")));
    assert!(mirror.requests()[1].starts_with("get /models/again?x "), "{:?}", mirror.requests());
    assert!(!elsewhere.requests()[0].contains("authorization"));
    fs::remove_file(folder.join(&file)).unwrap();
    for expected in ["403", "http://cam:99999/"] {
        let error = mirror.fetch(&file, &folder).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("cret") && !error.contains("hidden") && !error.contains("me:"), "{error}");
    }
    mirror.server.base_url = "http://me:secret@mirror:99999/".into();
    let error = mirror.fetch(&file, &folder).unwrap_err().to_string();
    assert!(error.contains("http://mirror:99999/") && error.contains("port") && !error.contains("secret"), "{error}");
}

#[test]
fn a_name_without_a_hash_is_not_fetched() {
    let (_keep, folder) = folder();
    let site = Site::new(|_, head, stream| ranged(stream, head, &body()));
    for name in ["net.pth", "net-123.pth", "../net.pth"] {
        assert!(matches!(site.fetch(name, &folder), Err(FetchError::NoHash { .. })), "{name}");
    }
    assert!(site.requests().is_empty());
}

#[test]
fn a_refusal_is_told_with_its_status() {
    let (_keep, folder) = folder();
    let file = name_of(&body());
    for (status, meaning) in [("404 Not Found", "404, it is not there"), ("503 Busy", "503, it has a problem")] {
        let site = Site::new(move |_, _, stream| send(stream, status, "Content-Length: 2\r\n", b"no"));
        let error = site.fetch(&file, &folder).unwrap_err();
        assert!(matches!(error, FetchError::Refused { .. }) && error.to_string().contains(meaning), "{error}");
    }
    assert!(!folder.join(&file).exists());
}

#[test]
fn redirects_are_followed_with_the_range_but_not_in_circles() {
    let (_keep, folder) = folder();
    let file = name_of(&body());
    let site = Site::new(|number, head, stream| match number {
        0 => half(stream, &body()),
        _ if head.starts_with("get /models/") => {
            send(stream, "302 Found", "Location: /elsewhere\r\nContent-Length: 0\r\n", b"");
        }
        _ => ranged(stream, head, &body()),
    });
    site.fetch(&file, &folder).unwrap_err();
    assert_eq!(fs::read(site.fetch(&file, &folder).unwrap()).unwrap(), body());
    assert!(from(&site.requests()[2]).is_some(), "{:?}", site.requests());

    fs::remove_file(folder.join(&file)).unwrap();
    let circle =
        Site::new(|_, _, stream| send(stream, "302 Found", "Location: /models/\r\nContent-Length: 0\r\n", b""));
    let error = circle.fetch(&file, &folder).unwrap_err();
    assert!(matches!(&error, FetchError::Unreachable { reason, .. } if reason.contains("redirect")), "{error}");
    assert!(circle.requests().len() < 20);
}

#[test]
fn a_server_that_falls_silent_is_given_up_and_what_came_is_kept() {
    let (_keep, folder) = folder();
    let file = name_of(&body());
    let silent = |stream: &TcpStream| {
        let _ = BufReader::new(stream).read_line(&mut String::new());
    };
    let site = Site::new(move |_, _, stream| {
        half(stream, &body());
        silent(stream);
    })
    .impatient();
    let error = site.fetch(&file, &folder).unwrap_err();
    assert!(matches!(error, FetchError::Interrupted { .. }), "{error}");
    assert_eq!(fs::metadata(part(&folder, &file)).unwrap().len(), body().len() as u64 / 2);

    let mute = Site::new(move |_, _, stream| silent(stream)).impatient();
    let error = mute.fetch(&file, &folder).unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}

#[test]
fn no_server_and_answers_that_are_not_http_are_told_with_the_address() {
    let (_keep, folder) = folder();
    let file = name_of(&body());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = Server { base_url: format!("http://{free}/"), patience: Duration::from_secs(20) };
    let error =
        fetch(&Expected::of_name(&file).unwrap(), &folder, &gone, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(&free.to_string()) && error.to_string().contains("network"), "{error}");
    let garbage = Site::new(|_, _, stream| drop(stream.write_all(&[b'x'; 3000])));
    let error = garbage.fetch(&file, &folder).unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}

#[test]
fn an_https_address_is_greeted_in_tls() {
    let (_keep, folder) = folder();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("https://{}/", listener.local_addr().unwrap());
    let first = std::thread::spawn(move || {
        let mut byte = [0];
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut byte).unwrap();
        byte[0]
    });
    let server = Server { base_url, patience: Duration::from_secs(20) };
    let file = name_of(&body());
    let expected = Expected::of_name(&file).unwrap();
    let error = fetch(&expected, &folder, &server, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert_eq!(first.join().unwrap(), 0x16, "a TLS handshake record");
}

#[test]
fn a_stopped_download_keeps_what_came_and_goes_on() {
    let (_keep, folder) = folder();
    let file = name_of(&body());
    let site = Site::new(|_, head, stream| ranged(stream, head, &body()));
    let cancelled = AtomicBool::new(false);
    let mut stop = |progress: Progress| cancelled.store(progress.received > Bytes(1000), Ordering::Relaxed);
    let error = fetch(&Expected::of_name(&file).unwrap(), &folder, &site.server, &cancelled, &mut stop).unwrap_err();
    let FetchError::Cancelled { progress } = error else { panic!("{error}") };
    assert_eq!(fs::metadata(part(&folder, &file)).unwrap().len(), progress.received.0);
    assert_eq!(fs::read(site.fetch(&file, &folder).unwrap()).unwrap(), body());
    assert_eq!(from(&site.requests()[1]), Some(progress.received.0 as usize));
}

#[test]
fn two_downloads_of_the_same_file_do_not_mix() {
    let (_keep, folder) = folder();
    let file = name_of(&body());
    let site = Site::new(|_, head, stream| ranged(stream, head, &body()));
    fs::create_dir_all(&folder).unwrap();
    let other = fs::File::create(part(&folder, &file)).unwrap();
    other.lock().unwrap();
    assert!(matches!(site.fetch(&file, &folder), Err(FetchError::Busy { .. })));
    drop(other);
    site.fetch(&file, &folder).unwrap();
}

#[test]
fn what_cannot_be_written_is_told_with_its_path_and_a_full_disk_with_the_remedy() {
    let keep = tempfile::tempdir().unwrap();
    let in_the_way = keep.path().join("weights");
    fs::write(&in_the_way, b"a file").unwrap();
    let site = Site::new(|_, head, stream| ranged(stream, head, &body()));
    let error = site.fetch(&name_of(&body()), &in_the_way).unwrap_err();
    assert!(matches!(error, FetchError::Write { .. }) && error.to_string().contains("weights"), "{error}");
    let full = FetchError::Write { path: in_the_way, source: std::io::ErrorKind::StorageFull.into() };
    assert!(full.to_string().contains("make room"), "{full}");
}

#[test]
fn a_server_that_announces_a_flood_is_refused() {
    let (_keep, folder) = folder();
    let site = Site::new(|_, _, stream| send(stream, "200 OK", "Content-Length: 99999999999\r\n", b"flood"));
    let error = site.fetch(&name_of(&body()), &folder).unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
}
