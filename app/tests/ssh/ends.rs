//! What becomes of both sides where something between them ends, or was never there.

use std::time::Instant;

use shufflescope::target::Trouble;
use shufflescope::worker::{ClientEvent, ReachError, Reaching, reach};

use super::server::{Server, kill};
use super::{PATIENCE, client, huge, job, result, small, wait};

fn assert_gone(processes: &[u32]) {
    let start = Instant::now();
    while processes.iter().any(|id| std::path::Path::new(&format!("/proc/{id}/exe")).exists()) {
        assert!(start.elapsed() < PATIENCE, "a worker stays behind");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_cut_line_a_killed_worker_and_a_killed_server_are_told_and_nothing_stays_behind() {
    let Some(mut server) = Server::start() else { return };
    let mut client = client(&server, server.port);
    for kind in ["line", "worker", "server"] {
        client.measure(job(huge()));
        // The device is free again, whatever ended the one before: nobody is waited for.
        wait(&mut client, |event| match event {
            ClientEvent::Preparing { .. } => Some(()),
            ClientEvent::Waiting { behind, .. } => panic!("{behind} keeps the device"),
            _ => None,
        });
        let workers = server.workers();
        assert_eq!(workers.len(), 1, "{kind}");
        match kind {
            "line" => kill(client.worker_id().unwrap()),
            "worker" => kill(workers[0]),
            _ => server.kill(),
        }
        let message = result(&mut client).unwrap_err();
        for part in [format!("ssh://127.0.0.1:{}", server.port).as_str(), "was cut", "tries again"] {
            assert!(message.contains(part), "{kind}: {part}: {message}");
        }
        assert!(!client.is_busy() && client.worker_id().is_none());
        assert_gone(&workers);
    }
    let left: Vec<_> = std::fs::read_dir(server.at("data")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "nothing but the cache: {left:?}");
    client.measure(job(small()));
    let message = result(&mut client).unwrap_err();
    assert!(message.contains("cannot be reached") && message.contains("Connection refused"), "{message}");
}

#[test]
fn a_measurement_that_is_stopped_leaves_the_worker_and_one_that_nobody_wants_does_not_hold_up_the_next() {
    let Some(server) = Server::start() else { return };
    let mut client = client(&server, server.port);
    client.measure(job(small()));
    wait(&mut client, |event| matches!(event, ClientEvent::Progress { .. }).then_some(()));
    let worker = client.worker_id().unwrap();
    client.cancel();
    wait(&mut client, |event| matches!(event, ClientEvent::Cancelled { .. }).then_some(()));
    client.measure(job(small()));
    assert_eq!(result(&mut client).unwrap().threads, 1);
    assert_eq!(client.worker_id(), Some(worker), "a new line takes its time");
    client.measure(job(huge()));
    wait(&mut client, |event| matches!(event, ClientEvent::Preparing { .. }).then_some(()));
    client.measure(job(small()));
    assert_eq!(result(&mut client).unwrap().threads, 1, "in the middle of a run it is given up, later than here");
}

fn trouble(server: &Server, how: &Reaching) -> (Trouble, String) {
    match reach(&server.target(), how).unwrap_err() {
        ReachError::Trouble { trouble, reason } => (trouble, reason),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_wrong_with_a_target_is_told_with_what_to_do_about_it() {
    let Some(mut server) = Server::start() else { return };
    let how = server.how();
    let named = |program: &str| Reaching { program: Some(program.parse().unwrap()), ..server.how() };
    // A key that is not the server's, and none.
    for key in ["other", "nobody's"] {
        server.trust(key);
        let (trouble, reason) = trouble(&server, &how);
        assert_eq!(trouble, Trouble::Unreachable, "{reason}");
        assert!(
            reason.contains("host key") && reason.contains("check the key") && reason.contains("`ssh -p"),
            "{reason}"
        );
    }
    server.trust("host");
    // No program, by its path and in the search path.
    let in_path = Reaching { program: None, ..server.how() };
    for how in [named("/no/such/program"), in_path.clone()] {
        let (trouble, reason) = trouble(&server, &how);
        assert_eq!(trouble, Trouble::NoProgram, "{reason}");
        assert!(reason.contains("--remote-program") && reason.contains("--copy-program"), "{reason}");
    }
    // Another release, and a program that is something else.
    server.install(
        "shufflescope",
        "#!/bin/sh\necho 'Welcome to the board.'\nread line\necho '{\"event\":\"hello\",\"version\":7,\"threads\":4,\"program\":\"0.1.0\"}'\nexec sleep 600\n",
    );
    let (kind, reason) = trouble(&server, &in_path);
    assert_eq!(kind, Trouble::OtherRelease, "{reason}");
    for part in ["release 0.1.0", "use the same release", "--copy-program", "ssh://127.0.0.1"] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    server.install("shufflescope", "#!/bin/sh\necho \"version GLIBC_9.9 not found\" >&2\nexit 1\n");
    let (kind, reason) = trouble(&server, &in_path);
    assert_eq!(kind, Trouble::Other, "{reason}");
    assert!(reason.contains("before it greeted") && reason.contains("GLIBC_9.9"), "{reason}");
    // One in the search path that is right, behind a start-up file that talks.
    let program = env!("CARGO_BIN_EXE_shufflescope");
    server.install("shufflescope", &format!("#!/bin/sh\necho 'Last login: today'\nexec '{program}' \"$@\"\n"));
    let place = reach(&server.target(), &in_path).unwrap();
    assert_eq!(place.machine().version, env!("CARGO_PKG_VERSION"));
    assert!(place.host.threads > 0 && place.host.busy.is_none() && !place.devices.is_empty());
    // Nobody is let in; nobody is there.
    std::fs::write(server.at("authorized"), "").unwrap();
    let (kind, reason) = trouble(&server, &how);
    assert_eq!(kind, Trouble::Unreachable, "{reason}");
    assert!(reason.contains("ssh-copy-id") && reason.contains("Permission denied"), "{reason}");
    server.kill();
    let (kind, reason) = trouble(&server, &how);
    assert_eq!(kind, Trouble::Unreachable, "{reason}");
    assert!(reason.contains("cannot be reached"), "{reason}");
}
