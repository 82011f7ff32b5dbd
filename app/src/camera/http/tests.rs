//! Against servers on localhost that behave badly in every way that was thought of.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::*;

const JPEG: &[u8] = include_bytes!("../../../tests/support/camera/red_and_blue.jpg");
const HEADER: &str = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n";

/// A server that does the same for every connection; also the requests it got.
fn server(serve: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/video", listener.local_addr().unwrap());
    let (asked, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let reader = BufReader::new(stream.try_clone().unwrap());
            let request: Vec<String> =
                reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            if asked.send(request.join("\n")).is_err() {
                return;
            }
            // A client that has seen enough closes the connection.
            let _ = serve(&mut stream);
        }
    });
    (address, requests)
}

fn part(jpeg: &[u8]) -> Vec<u8> {
    let header = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
    [header.as_bytes(), jpeg, b"\r\n"].concat()
}

fn opened(address: &str) -> Result<HttpStream, SourceError> {
    HttpStream::open(address, &Stop::new())
}

/// The next frame decoded: its width.
fn width(stream: &mut HttpStream) -> Result<u32, String> {
    match stream.next(&Stop::new()) {
        Ok(Next::Frame(captured)) => captured.pixels.decode().map(|it| it.width()).map_err(|error| error.to_string()),
        Ok(Next::Skipped(reason)) => Err(reason),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn pictures_come_with_and_without_a_length() {
    let (address, requests) = server(|stream| {
        stream.write_all(HEADER.as_bytes())?;
        stream.write_all(&part(JPEG))?;
        stream.write_all(&[b"--frame\r\nContent-Type: image/jpeg\r\n\r\n", JPEG, b"\r\n"].concat())?;
        stream.write_all(&part(JPEG))
    });
    let mut stream = opened(&address.replace("http://", "http://me:secret@")).unwrap();
    assert_eq!([width(&mut stream), width(&mut stream), width(&mut stream)], [Ok(16), Ok(16), Ok(16)]);
    assert!(matches!(stream.next(&Stop::new()), Err(SourceError::Connection { .. })), "the server closed");
    let request = requests.recv().unwrap();
    assert!(request.starts_with("GET /video HTTP/1.1\n") && request.contains("Authorization: Basic bWU6c2VjcmV0"));
}

#[test]
fn a_chunked_stream_after_a_redirection_is_read() {
    let (target, _target_requests) = server(|stream| {
        stream.write_all(HEADER.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes())?;
        for chunk in part(JPEG).chunks(100) {
            stream.write_all(&[format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())?;
        }
        stream.write_all(b"0\r\n\r\n")
    });
    let (address, _requests) =
        server(move |stream| stream.write_all(format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\n\r\n").as_bytes()));
    let mut stream = opened(&address).unwrap();
    assert_eq!(width(&mut stream), Ok(16));
    assert!(width(&mut stream).unwrap_err().contains("ended the stream"));
}

#[test]
fn garbage_and_halves_are_left_out_and_the_next_picture_comes() {
    let (address, _requests) = server(|stream| {
        stream.write_all(HEADER.as_bytes())?;
        stream.write_all(&[0xFF; 70_000])?;
        stream.write_all(b"\r\n--frame\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello\r\n")?;
        // Half a picture, then the next one although the length promised more.
        let half = part(JPEG);
        stream.write_all(&half[..half.len() - 300])?;
        stream.write_all(b"\r\n")?;
        stream.write_all(&part(JPEG))?;
        // Half a picture, then the end.
        stream.write_all(&half[..half.len() - 300])
    });
    let mut stream = opened(&address).unwrap();
    assert!(width(&mut stream).unwrap_err().contains("no JPEG picture"));
    assert!(width(&mut stream).unwrap_err().contains("cut off"));
    assert_eq!(width(&mut stream), Ok(16));
    assert!(width(&mut stream).unwrap_err().contains("closed the stream"));
}

#[test]
fn a_server_that_stalls_is_given_up_and_a_stop_is_heard() {
    let (address, _requests) = server(|stream| {
        stream.write_all(HEADER.as_bytes())?;
        stream.write_all(&part(JPEG)[..200])?;
        // Until the client has gone.
        std::io::copy(stream, &mut std::io::sink()).map(drop)
    });
    let mut stream = HttpStream::open_within(&address, &Stop::new(), Duration::from_millis(150)).unwrap();
    assert!(matches!(stream.next(&Stop::new()), Err(SourceError::Stalled { .. })));
    drop(stream);
    let mut stream = opened(&address).unwrap();
    let stop = Stop::new();
    stop.raise();
    assert!(matches!(stream.next(&stop), Ok(Next::Stopped)));
}

#[test]
fn a_server_that_never_answers_is_given_up_and_a_stop_is_heard() {
    let (address, _requests) = server(|stream| std::io::copy(stream, &mut std::io::sink()).map(drop));
    let stalled = HttpStream::open_within(&address, &Stop::new(), Duration::from_millis(100)).unwrap_err();
    assert!(matches!(stalled, SourceError::Stalled { .. }), "{stalled}");
    let stop = Stop::new();
    stop.raise();
    assert!(matches!(HttpStream::open(&address, &stop), Err(SourceError::Connection { .. })));
}

#[test]
fn an_endless_header_is_given_up() {
    let (address, _requests) = server(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            stream.write_all(b"X-Filler: and so on and so on and so on\r\n")?;
        }
    });
    let error = opened(&address).unwrap_err();
    assert!(
        matches!(&error, SourceError::NotAStream { reason, .. } if reason.contains("longer than 16 KiB")),
        "{error}"
    );
}

#[test]
fn an_endless_picture_is_left_out_and_garbage_without_end_is_given_up() {
    let (address, _requests) = server(|stream| {
        stream.write_all(HEADER.as_bytes())?;
        stream.write_all(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n")?;
        loop {
            stream.write_all(&[0xD8; 65_536])?;
        }
    });
    let mut stream = HttpStream::open_within(&address, &Stop::new(), Duration::from_secs(20)).unwrap();
    assert!(width(&mut stream).unwrap_err().contains("longer than 16 MiB"));
    stream.patience = Duration::ZERO;
    assert!(matches!(stream.next(&Stop::new()), Err(SourceError::Stalled { .. })));
}

#[test]
fn answers_that_are_no_stream_say_what_they_are() {
    for (answer, expected) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", "status 404"),
        ("HTTP/1.1 401 Unauthorized\r\n\r\n", "name and password"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "it sends text/html"),
        ("HTTP/1.1 200 OK\r\n\r\n", "without a type"),
        ("HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed\r\n\r\n", "multipart/mixed"),
        ("HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n", "redirects more than 3 times"),
        ("HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\n\r\n", "only http://"),
        ("HTTP/1.1 302 Found\r\nLocation: ftp://elsewhere/\r\n\r\n", "ftp://elsewhere/"),
        ("HTTP/1.1 302 Found\r\nLocation: http://you:hidden@cam:99999/\r\n\r\n", "http://cam:99999/"),
        ("HTTP/1.1 304 Not Modified\r\nLocation: /again\r\n\r\n", "status 304"),
        ("HTTP/1.1 200 OK\r\nContent-Type: a\x1b[2J\u{9b}\rb\r\n\r\n", "it sends a\u{FFFD}[2J\u{FFFD} b,"),
        ("HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\nno line", "without a boundary"),
        ("SSH-2.0-server\r\n\r\n", "not HTTP"),
        ("", "without an answer"),
    ] {
        let (address, _requests) = server(move |stream| stream.write_all(answer.as_bytes()));
        let error = opened(&address.replace("http://", "http://me:secret@")).unwrap_err().to_string();
        assert!(error.contains(expected), "{answer:?}: {error}");
        assert!(!error.contains("secret") && !error.contains("hidden") && !error.contains("me:"), "{error}");
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}

#[test]
fn what_a_server_says_is_shown_only_so_far() {
    let (address, _requests) = server(|stream| {
        let long = "x".repeat(9000);
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Type: {long}\r\n\r\n").as_bytes())
    });
    let error = opened(&address).unwrap_err().to_string();
    assert!(error.contains("it sends xxx") && error.len() < 500, "{error}");
}

#[test]
fn an_address_that_cannot_be_used_is_told_without_its_password() {
    for address in
        ["http://me:secret@cam:99999/", "http://me:secret@", "http://me:sec ret@ca m/", "https://me:secret@cam/"]
    {
        let error = opened(address).unwrap_err().to_string();
        assert!(!error.contains("secret") && !error.contains("ret@") && !error.contains("me:"), "{error}");
    }
}

#[test]
fn a_redirection_to_a_host_without_a_scheme_is_followed_without_the_password() {
    let (target, target_requests) = server(|stream| {
        stream.write_all(HEADER.as_bytes())?;
        stream.write_all(&part(JPEG))
    });
    let elsewhere = target.strip_prefix("http:").unwrap().to_owned();
    let (address, requests) = server(move |stream| {
        stream.write_all(format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\n\r\n").as_bytes())
    });
    let mut stream = opened(&address.replace("http://", "http://me:s%65cret%40@")).unwrap();
    assert_eq!(width(&mut stream), Ok(16));
    assert!(requests.recv().unwrap().contains("Authorization: Basic bWU6c2VjcmV0QA=="));
    let request = target_requests.recv().unwrap();
    assert!(request.starts_with("GET /video HTTP/1.1\n") && !request.contains("Authorization"), "{request}");
}

#[test]
fn a_relative_redirection_keeps_the_password_and_a_lone_carriage_return_makes_no_header() {
    let (address, requests) = server(|stream| {
        // The first request is sent on with what would be a header of its own.
        stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: next?a\rX-Smuggled: yes\r\n\r\n")
    });
    let error = opened(&address.replace("http://", "http://me:secret@")).unwrap_err();
    assert!(error.to_string().contains("redirects more than 3 times"), "{error}");
    let asked: Vec<String> = requests.try_iter().collect();
    assert!(asked.len() > 1 && asked[1].starts_with("GET /next?a%20X-Smuggled:%20yes HTTP/1.1\n"), "{asked:?}");
    assert!(asked.iter().all(|request| request.contains("Authorization: Basic bWU6c2VjcmV0")), "{asked:?}");
    assert!(!asked.iter().any(|request| request.contains("\nX-Smuggled") || request.contains('\r')), "{asked:?}");
}

#[test]
fn a_stream_that_names_no_boundary_or_no_type_is_read_by_its_first_line_of_dashes() {
    for header in ["Content-Type: multipart/x-mixed-replace\r\n", ""] {
        let (address, _requests) = server(move |stream| {
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{header}\r\nhello\r\n--fr").as_bytes())?;
            stream.flush()?;
            stream.write_all(&part(JPEG)[4..])?;
            stream.write_all(&part(JPEG))?;
            stream.write_all(b"--frame--\r\n")
        });
        let mut stream = opened(&address).unwrap();
        assert_eq!([width(&mut stream), width(&mut stream)], [Ok(16), Ok(16)], "{header:?}");
    }
}

#[test]
fn an_endless_stream_without_a_boundary_is_given_up() {
    let (address, _requests) = server(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            stream.write_all(b"<p>- nothing --\n")?;
        }
    });
    let error = opened(&address).unwrap_err().to_string();
    assert!(error.contains("without a type") && error.contains("64 KiB"), "{error}");
}

#[test]
fn nobody_there_is_a_lost_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = opened(&address).unwrap_err();
    assert!(matches!(error, SourceError::Connection { .. }) && error.may_pass(), "{error}");
}

#[test]
fn a_lost_connection_is_made_again_and_counted() {
    use crate::camera::{Capture, CaptureStatus, SourceOptions, SourceSpec};
    let (address, _requests) = server(|stream| {
        stream.write_all(HEADER.as_bytes())?;
        stream.write_all(&part(JPEG))
    });
    let clock = std::sync::Arc::new(shufflescope_engine::clock::MonotonicClock::new());
    let capture = Capture::start(&SourceSpec::Http(address), SourceOptions::default(), clock).unwrap();
    let start = Instant::now();
    let CaptureStatus { last_error, .. } = loop {
        let status = capture.status();
        if status.reconnects == 2 {
            break status;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{status:?}");
        thread::sleep(Duration::from_millis(5));
    };
    assert!(matches!(last_error, Some(SourceError::Connection { .. })), "{last_error:?}");
}
