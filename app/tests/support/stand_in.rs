//! Programs in place of a worker: they say what they are told to, and then hang, crash or go on for ever.

#![allow(dead_code, reason = "not every test file needs everything")]

use serde::Serialize;
use shufflescope::worker::{Event, Launcher, PROGRAM, VERSION};

/// What comes after the lines.
pub enum Then<'a> {
    /// Nothing, for ever; it does not hear that its input is closed either.
    Hang,
    /// The end of a process in which a driver crashes.
    Abort,
    /// This event, five times a second.
    Repeat(&'a Event),
}

/// A program that greets, says these events and then does something.
pub fn stand_in(events: &[Event], then: Then<'_>) -> Launcher {
    let hello = Event::Hello { version: VERSION, threads: 1, program: PROGRAM.into() };
    let lines: Vec<String> = std::iter::once(&hello).chain(events).map(line).collect();
    if cfg!(windows) { power_shell(&lines, then) } else { shell(&lines, then) }
}

fn line(event: &impl Serialize) -> String {
    serde_json::to_string(event).unwrap()
}

fn shell(lines: &[String], then: Then<'_>) -> Launcher {
    let say = |line: &String| format!("printf '%s\\n' '{}'", line.replace('\'', "'\\''"));
    let end = match then {
        Then::Hang => "exec sleep 600".to_owned(),
        Then::Abort => "kill -ABRT $$".to_owned(),
        Then::Repeat(event) => format!("while :; do {}; sleep 0.2; done", say(&line(event))),
    };
    let script = lines.iter().map(say).chain([end]).collect::<Vec<String>>().join("\n");
    Launcher::local("sh".into(), vec!["-c".into(), script])
}

fn power_shell(lines: &[String], then: Then<'_>) -> Launcher {
    let say = |line: &String| format!("[Console]::Out.Write('{}' + \"`n\")", line.replace('\'', "''"));
    let end = match then {
        Then::Hang => "Start-Sleep 600".to_owned(),
        Then::Abort => "[Environment]::FailFast('a driver crashed')".to_owned(),
        Then::Repeat(event) => {
            format!("while ($true) {{ {}; Start-Sleep -Milliseconds 200 }}", say(&line(event)))
        }
    };
    let script = lines.iter().map(say).chain([end]).collect::<Vec<String>>().join("; ");
    Launcher::local("powershell".into(), vec!["-NoProfile".into(), "-Command".into(), script])
}
