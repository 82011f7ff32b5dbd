//! Which machine is measured on: this one, or one behind SSH.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// What `--target` takes for this machine.
pub const HERE: &str = "local";

/// A machine to measure on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Target {
    /// This one.
    #[default]
    Here,
    /// Another one.
    Ssh(SshAddress),
}

impl Target {
    /// Whether it is another machine.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        matches!(self, Self::Ssh(_))
    }
}

/// How `ssh` finds a machine: `ssh://[user@]host[:port]`, where the host may be an alias of the user's configuration.
///
/// Its parts are of few characters: none of them means anything to a shell, and none begins an option.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SshAddress {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

/// Why a text is no target.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// It begins otherwise.
    #[error("a target is ssh://[user@]host[:port], or {HERE} for this machine")]
    Scheme,
    /// There is a password in it.
    #[error("no password is taken: set up a key for ssh, and leave the password out")]
    Password,
    /// The user's name.
    #[error("`{0}` is no user name that ssh takes: letters, digits, `.`, `_`, `-` and `+`, not beginning with `-`")]
    User(String),
    /// The host.
    #[error(
        "`{0}` is no host that ssh takes: a name, an alias of your ssh configuration or an address, not beginning with `-`"
    )]
    Host(String),
    /// The port.
    #[error("`{0}` is no port: a number from 1 to 65535")]
    Port(String),
}

impl SshAddress {
    /// What `ssh` is told, in front of the command: the port, the user and the host.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if let Some(port) = self.port {
            arguments.extend(["-p".to_owned(), port.to_string()]);
        }
        if let Some(user) = &self.user {
            arguments.extend(["-l".to_owned(), user.clone()]);
        }
        arguments.extend(["--".to_owned(), self.host.clone()]);
        arguments
    }

    /// What a person types to see for themselves: `ssh -p 2222 pi@board`.
    #[must_use]
    pub fn by_hand(&self) -> String {
        let port = self.port.map(|port| format!("-p {port} ")).unwrap_or_default();
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        format!("ssh {port}{user}{}", self.host)
    }
}

fn is_word(text: &str, others: &str) -> bool {
    !text.is_empty() && !text.starts_with('-') && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

impl FromStr for SshAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix("ssh://").ok_or(AddressError::Scheme)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => return Err(AddressError::Password),
            Some((user, _)) if !is_word(user, "._-+") => return Err(AddressError::User(user.into())),
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, rest),
        };
        let bad_host = || AddressError::Host(place.to_owned());
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(bad_host)?;
                let port = if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or_else(bad_host)?) };
                let is_address = host.contains(':') && is_word(host, ":.%");
                (Some(host).filter(|_| is_address), port)
            }
            None => match place.split_once(':') {
                Some((host, port)) => (Some(host).filter(|host| is_word(host, "._-")), Some(port)),
                None => (Some(place).filter(|host| is_word(host, "._-")), None),
            },
        };
        let host = host.ok_or_else(bad_host)?.to_owned();
        let number = |port: &str| port.parse().ok().filter(|port| *port != 0);
        let port = port.map(|port| number(port).ok_or_else(|| AddressError::Port(port.into()))).transpose()?;
        Ok(Self { user, host, port })
    }
}

impl fmt::Display for SshAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        f.pad(&format!("ssh://{user}{host}{port}"))
    }
}

impl FromStr for Target {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text == HERE { Ok(Self::Here) } else { text.parse().map(Self::Ssh) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here => f.pad(HERE),
            Self::Ssh(address) => address.fmt(f),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        text.parse::<SshAddress>().unwrap().arguments()
    }

    #[test]
    fn an_address_is_told_to_ssh_as_its_options_and_reads_back() {
        assert_eq!(arguments("ssh://board"), ["--", "board"]);
        assert_eq!(arguments("ssh://pi@board.local:2222/"), ["-p", "2222", "-l", "pi", "--", "board.local"]);
        assert_eq!(arguments("ssh://[fe80::1%eth0]:22"), ["-p", "22", "--", "fe80::1%eth0"]);
        for text in ["local", "ssh://board", "ssh://pi@board:2222", "ssh://[::1]:22"] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
            assert_eq!(serde_json::from_str::<Target>(&serde_json::to_string(&target).unwrap()).unwrap(), target);
        }
        assert_eq!("ssh://pi@board:2222".parse::<SshAddress>().unwrap().by_hand(), "ssh -p 2222 pi@board");
    }

    #[test]
    fn what_a_shell_or_ssh_would_take_for_something_else_is_refused() {
        let host = |text: &str| AddressError::Host(text.into());
        for (text, error) in [
            ("board", AddressError::Scheme),
            ("http://board", AddressError::Scheme),
            ("ssh://", host("")),
            ("ssh://-oProxyCommand=touch${IFS}x", host("-oProxyCommand=touch${IFS}x")),
            ("ssh://-x", host("-x")),
            ("ssh://a;b", host("a;b")),
            ("ssh://a b", host("a b")),
            ("ssh://a/b", host("a/b")),
            ("ssh://$(id)", host("$(id)")),
            ("ssh://[::1", host("[::1")),
            ("ssh://[::1]x", host("[::1]x")),
            ("ssh://me:secret@board", AddressError::Password),
            ("ssh://-l@board", AddressError::User("-l".into())),
            ("ssh://a`b@board", AddressError::User("a`b".into())),
            ("ssh://board:0", AddressError::Port("0".into())),
            ("ssh://board:65536", AddressError::Port("65536".into())),
            ("ssh://board:", AddressError::Port(String::new())),
        ] {
            assert_eq!(text.parse::<SshAddress>(), Err(error), "{text}");
        }
    }
}
