//! What is wrong with a machine behind SSH, from how `ssh` ended and what it said.

use super::SshAddress;
use super::ssh::NO_PROGRAM;

/// The exit code of `ssh` where it is its own failure, or the command there was killed.
const SSH_FAILED: i32 = 255;

/// The exit code of a shell that finds a program which it cannot run.
const NOT_RUN: i32 = 126;

/// What is wrong, as far as something can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no program there: it can be named, installed or copied.
    NoProgram,
    /// The program there is of another release.
    OtherRelease,
    /// The machine cannot be reached, or lets nobody in.
    Unreachable,
    /// Anything else.
    Other,
}

/// What `ssh` said, in a line: without banners, and not more than the end of it.
pub(super) fn what_ssh_says(text: &str) -> String {
    let is_told = |line: &&str| !line.is_empty() && !line.starts_with('@');
    let lines: Vec<&str> = text.lines().map(str::trim).filter(is_told).collect();
    lines.get(lines.len().saturating_sub(4)..).unwrap_or_default().join(" ")
}

/// Why a worker there ended: the exit code of `ssh`, and its last words. `greeted` says whether the worker had spoken.
pub(crate) fn explain_end(
    address: &SshAddress,
    code: Option<i32>,
    greeted: bool,
    last_words: &str,
) -> (Trouble, String) {
    let said = what_ssh_says(last_words);
    let by_hand = address.by_hand();
    let or_nothing = if said.is_empty() { "nothing was said" } else { &said };
    match code {
        Some(NO_PROGRAM) => (
            Trouble::NoProgram,
            format!(
                "{address} has no `shufflescope` ({or_nothing}): install it there, name it with --remote-program PATH, or have \
                 this one copied with --copy-program"
            ),
        ),
        Some(NOT_RUN) => (
            Trouble::NoProgram,
            format!(
                "{address} cannot run its `shufflescope` ({or_nothing}): install one that is made for that machine"
            ),
        ),
        Some(SSH_FAILED) | None if !greeted => (Trouble::Unreachable, unreachable(address, &said, &by_hand)),
        _ if greeted => {
            (Trouble::Other, format!("the line to {address} was cut, or the worker there was killed ({or_nothing})"))
        }
        _ => (Trouble::Other, format!("the worker on {address} ended before it greeted ({or_nothing})")),
    }
}

fn unreachable(address: &SshAddress, said: &str, by_hand: &str) -> String {
    let said_or = |remedy: String| if said.is_empty() { remedy } else { format!("{remedy} ({said})") };
    let has = |part: &str| said.contains(part);
    if has("Host key verification failed") || has("host key") {
        return said_or(format!(
            "the host key of {address} is unknown or has changed, so nothing was sent: run `{by_hand}` in a terminal once and \
             check the key"
        ));
    }
    if has("Permission denied") || has("Too many authentication failures") {
        return said_or(format!(
            "{address} lets nobody in without a password: set up a key (`ssh-copy-id`) or an agent, until `{by_hand}` asks \
             for nothing"
        ));
    }
    said_or(format!("{address} cannot be reached: see what `{by_hand}` says in a terminal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(code: i32, greeted: bool, said: &str) -> (Trouble, String) {
        explain_end(&"ssh://pi@board:2222".parse().unwrap(), Some(code), greeted, said)
    }

    #[test]
    fn every_end_is_told_with_the_target_and_what_to_do_about_it() {
        for (code, greeted, said, trouble, parts) in [
            (127, false, "sh: 1: shufflescope: not found", Trouble::NoProgram, ["--remote-program", "--copy-program"]),
            (126, false, "Exec format error", Trouble::NoProgram, ["made for that machine", "Exec format"]),
            (
                255,
                false,
                "@@@@@@@@\n@ WARNING @\n@@@@@@@@\nHost key verification failed.",
                Trouble::Unreachable,
                ["`ssh -p 2222 pi@board`", "check the key"],
            ),
            (
                255,
                false,
                "pi@board: Permission denied (publickey).",
                Trouble::Unreachable,
                ["ssh-copy-id", "publickey"],
            ),
            (
                255,
                false,
                "ssh: connect to host board port 2222: Connection refused",
                Trouble::Unreachable,
                ["cannot be reached", "refused"],
            ),
            (255, true, "Timeout, server board not responding.", Trouble::Other, ["was cut", "not responding"]),
            (1, false, "version `GLIBC_2.38' not found", Trouble::Other, ["before it greeted", "GLIBC_2.38"]),
        ] {
            let (found, text) = explain(code, greeted, said);
            assert_eq!(found, trouble, "{text}");
            for part in parts.into_iter().chain(["ssh://pi@board:2222"]) {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains('@') || !text.contains("@@"), "{text}");
        }
    }
}
