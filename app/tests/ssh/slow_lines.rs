//! Live mode over lines that take their time.

use std::time::{Duration, Instant};

use shufflescope::worker::ClientEvent;
use shufflescope_engine::design::{Edit, InputSize};

use super::server::Server;
use super::slow;
use super::{client, job, result, small, wait};

/// Far more than a second and the delays, for a machine under load; what it took is printed.
const SOON: Duration = Duration::from_secs(15);

#[test]
fn edits_faster_than_the_line_are_superseded_and_the_last_one_has_its_first_number_soon() {
    let Some(server) = Server::start() else { return };
    for delay in [50, 200].map(Duration::from_millis) {
        let mut client = client(&server, slow::line(server.port, delay));
        client.measure(job(small()));
        result(&mut client).unwrap();
        let worker = client.worker_id().unwrap();
        // An input that is dragged for a second.
        let mut last = None;
        for side in (0..16).map(|step| 32 + 32 * (step % 4)) {
            last = Some(client.measure(job(small().apply(&Edit::Input(InputSize::square(side))))));
            let told = client.poll();
            assert!(!told.iter().any(|event| matches!(event, ClientEvent::WorkerLost { .. })), "{told:?}");
            std::thread::sleep(Duration::from_millis(60));
        }
        let start = Instant::now();
        let first = wait(&mut client, |event| match event {
            ClientEvent::Progress { ticket, partial: Some(partial), .. } if Some(ticket) == last => Some(partial),
            ClientEvent::Done { ticket, measurement } if Some(ticket) == last => Some(measurement),
            ClientEvent::Failed { message, .. } | ClientEvent::WorkerLost { message } => panic!("{message}"),
            _ => None,
        });
        println!("{delay:?} each way: the first number {:?} after the last edit", start.elapsed());
        assert!(start.elapsed() < SOON, "{delay:?}: {:?}", start.elapsed());
        let of = small().apply(&Edit::Input(InputSize::square(32 + 32 * (15 % 4))));
        assert_eq!(first.design, of.fingerprint(), "of the last edit and no other");
        assert_eq!(client.worker_id(), Some(worker), "the line is not made anew");
    }
}
