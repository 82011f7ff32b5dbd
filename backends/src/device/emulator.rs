//! Whether another processor only plays this one: times that are taken so say nothing of a real one.
//!
//! What an emulator shows a program of the machine is made up, or worse: under QEMU `/proc/cpuinfo` may be the real
//! machine's, while `/proc/self/exe` is the program's. It does not dress up everything, though: to the kernel the process is
//! the emulator, and by another way to the same file one sees it.

/// The emulator that this program runs in, as far as that can be told; `None` on a real processor, and in a whole machine
/// that is emulated, which nothing here tells from a real one.
#[must_use]
pub fn emulator() -> Option<String> {
    system::emulator()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::io::Read;
    use std::path::Path;

    /// The process as the kernel knows it. Emulators answer for `/proc/self` themselves, and leave this to the kernel.
    const PROCESS: &str = "/proc/thread-self/exe";
    /// In ELF's head: where the number of its architecture is.
    const MACHINE_AT: usize = 18;

    pub(super) fn emulator() -> Option<String> {
        let program = std::fs::read_link(PROCESS).ok()?;
        name(&program, machine_of(Path::new(PROCESS))?)
    }

    /// The emulator's name, where the program that runs is for another machine than this one was built for, or says itself
    /// what it is (QEMU also plays a processor on its like).
    pub(super) fn name(program: &Path, machine: u16) -> Option<String> {
        let name = program.file_name()?.to_str()?;
        let qemu = name.strip_prefix("qemu-").filter(|rest| rest.starts_with(std::env::consts::ARCH));
        if qemu.is_some() {
            return Some(format!("QEMU ({name})"));
        }
        (OWN.is_some_and(|own| own != machine)).then(|| name.to_owned())
    }

    /// The number of the architecture that this program was built for; `None` where it is not in the list.
    const OWN: Option<u16> = if cfg!(target_arch = "x86_64") {
        Some(62)
    } else if cfg!(target_arch = "aarch64") {
        Some(183)
    } else if cfg!(target_arch = "x86") {
        Some(3)
    } else if cfg!(target_arch = "arm") {
        Some(40)
    } else if cfg!(target_arch = "riscv64") {
        Some(243)
    } else {
        None
    };

    /// The number of the architecture that a program is for.
    fn machine_of(program: &Path) -> Option<u16> {
        let mut head = [0; MACHINE_AT + 2];
        std::fs::File::open(program).ok()?.read_exact(&mut head).ok()?;
        let is_big = head.get(5) == Some(&2);
        let number = head.get(MACHINE_AT..)?.try_into().ok()?;
        Some(if is_big { u16::from_be_bytes(number) } else { u16::from_le_bytes(number) })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn this_program_is_of_the_architecture_that_it_says() {
            let program = std::env::current_exe().unwrap();
            assert_eq!(machine_of(&program), OWN);
            assert_eq!(machine_of(Path::new("/dev/null")), None);
        }

        #[test]
        fn an_emulator_is_known_by_its_name_or_by_being_for_another_machine() {
            let own = OWN.unwrap_or_default();
            let arch = std::env::consts::ARCH;
            let qemu = format!("/usr/bin/qemu-{arch}-static");
            assert_eq!(name(Path::new(&qemu), own), Some(format!("QEMU (qemu-{arch}-static)")));
            assert_eq!(name(Path::new(&qemu), own + 1), Some(format!("QEMU (qemu-{arch}-static)")));
            assert_eq!(name(Path::new("/usr/bin/shufflescope"), own), None);
            assert_eq!(name(Path::new("/opt/qemu-notes"), own), None);
            assert_eq!(name(Path::new("/usr/bin/box64"), own + 1), Some("box64".into()));
        }
    }
}

/// Not known how to ask.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    pub(super) const fn emulator() -> Option<String> {
        None
    }
}
