//! A line that takes its time: what goes in on one side comes out on the other so much later, in both directions.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Listens at a port of its own, for what is at `port`, until the test ends.
pub fn line(port: u16, delay: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { return };
            for stream in [&near, &far] {
                stream.set_nodelay(true).unwrap();
            }
            direction(near.try_clone().unwrap(), far.try_clone().unwrap(), delay);
            direction(far, near, delay);
        }
    });
    own
}

fn direction(from: TcpStream, to: TcpStream, delay: Duration) {
    let (late, due) = channel();
    std::thread::spawn(move || take(from, &late, delay));
    std::thread::spawn(move || give(to, &due));
}

fn take(mut from: TcpStream, late: &Sender<(Instant, Vec<u8>)>, delay: Duration) {
    let mut chunk = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        if late.send((Instant::now() + delay, chunk[..read].to_vec())).is_err() {
            return;
        }
    }
}

fn give(mut to: TcpStream, due: &Receiver<(Instant, Vec<u8>)>) {
    for (at, bytes) in due {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
