//! A real sshd on loopback, as the present user: keys, port and configuration of its own in a temporary folder, so that
//! nothing of the user's is read or written. What runs behind it has its caches and data in there too.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use shufflescope::target::{Ssh, Target};
use shufflescope::worker::Reaching;

/// Generous: only what never starts fails it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where it is usually installed: it starts itself anew, and so wants its whole path.
const SSHD: &str = "/usr/sbin/sshd";

/// A running server; it ends when this is dropped, with everything that it has started.
pub struct Server {
    folder: tempfile::TempDir,
    process: Child,
    pub port: u16,
}

impl Server {
    /// `None`, with a message, where there is no sshd or none that starts.
    pub fn start() -> Option<Self> {
        if !Path::new(SSHD).is_file() {
            eprintln!("skipped: there is no {SSHD} (Debian's openssh-server)");
            return None;
        }
        // Where the superuser starts it, it wants this folder, which a service would make.
        let _ = std::fs::create_dir_all("/run/sshd");
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for key in ["host", "other", "user"] {
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at(key)).status();
            assert!(made.unwrap().success());
        }
        std::fs::copy(at("user.pub"), at("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = |name: &str| at(name).display().to_string();
        std::fs::create_dir_all(at("bin")).unwrap();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPrintMotd no\n\
             SetEnv XDG_CACHE_HOME={} XDG_DATA_HOME={} PATH={}:/usr/local/bin:/usr/bin:/bin\n",
            path("host"),
            path("authorized"),
            path("cache"),
            path("data"),
            path("bin"),
        );
        std::fs::write(at("sshd_config"), config).unwrap();
        let log = std::fs::File::create(at("log")).unwrap();
        let process = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(at("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { folder, process, port };
        server.trust("host");
        server.write_client();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if server.process.try_wait().unwrap().is_some() || start.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(server.at("log")).unwrap_or_default();
                eprintln!("skipped: sshd does not start: {log}");
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    /// A file or folder of the server's own.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The server under another port, such as that of a slow line before it.
    pub fn target_at(port: u16) -> Target {
        format!("ssh://127.0.0.1:{port}").parse().unwrap()
    }

    pub fn target(&self) -> Target {
        Self::target_at(self.port)
    }

    /// An `ssh` that knows this server, and nothing of the user's.
    pub fn ssh(&self) -> Ssh {
        Ssh { program: self.at("ssh") }
    }

    /// The program under test, by its path.
    pub fn how(&self) -> Reaching {
        let program = Some(env!("CARGO_BIN_EXE_shufflescope").parse().unwrap());
        Reaching { ssh: self.ssh(), program, copy: false }
    }

    /// From now on the client takes this key for the server's; none where it is unknown.
    pub fn trust(&self, key: &str) {
        let public = std::fs::read_to_string(self.at(&format!("{key}.pub"))).unwrap_or_default();
        let key: String = public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        // Whatever the port.
        let line = if key.is_empty() { key } else { format!("[127.0.0.1]:* {key}\n127.0.0.1 {key}\n") };
        std::fs::write(self.at("known_hosts"), line).unwrap();
    }

    /// Puts a program of this name into the search path there.
    pub fn install(&self, name: &str, script: &str) {
        let path = self.at("bin").join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn write_client(&self) {
        let config = format!(
            "Host *\nUserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\nIdentityFile {}\nIdentitiesOnly yes\n\
             StrictHostKeyChecking yes\n",
            self.at("known_hosts").display(),
            self.at("user").display(),
        );
        std::fs::write(self.at("config"), config).unwrap();
        let script = format!("#!/bin/sh\nexec ssh -F '{}' \"$@\"\n", self.at("config").display());
        std::fs::write(self.at("ssh"), script).unwrap();
        std::fs::set_permissions(self.at("ssh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Every process that was started for somebody who has logged in.
    pub fn processes(&self) -> Vec<u32> {
        let mut found = Vec::new();
        let mut parents = vec![self.process.id()];
        while let Some(parent) = parents.pop() {
            let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
            for child in children.unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()) {
                found.push(child);
                parents.push(child);
            }
        }
        found
    }

    /// Those of them that are workers.
    pub fn workers(&self) -> Vec<u32> {
        let is_worker = |id: &u32| {
            let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
            words.first().is_some_and(|word| word.ends_with(b"shufflescope")) && words.get(1) == Some(&&b"worker"[..])
        };
        self.processes().into_iter().filter(is_worker).collect()
    }

    /// Ends the server as the system does, and the connections that it serves; what runs behind them it leaves alone.
    pub fn kill(&mut self) {
        let workers = self.workers();
        let of_server: Vec<u32> = self.processes().into_iter().filter(|id| !workers.contains(id)).collect();
        self.process.kill().unwrap();
        of_server.into_iter().for_each(kill);
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.processes().into_iter().for_each(kill);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ends a process without its having a say; it may be gone already.
pub fn kill(id: u32) {
    let _ = Command::new("kill").args(["-9", &id.to_string()]).stderr(Stdio::null()).status();
}
