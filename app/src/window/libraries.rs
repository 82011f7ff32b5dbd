//! System libraries that a window needs and that are loaded when it opens: which are missing, and how to get them here.

/// A shared library, with the packages that bring it in Debian, Fedora and Arch Linux and their like.
#[derive(Debug, PartialEq, Eq)]
struct Library {
    file: &'static str,
    packages: [&'static str; 3],
}

const fn library(file: &'static str, packages: [&'static str; 3]) -> Library {
    Library { file, packages }
}

/// What X11 takes.
const X11: [Library; 6] = [
    library("libX11.so.6", ["libx11-6", "libX11", "libx11"]),
    library("libX11-xcb.so.1", ["libx11-xcb1", "libX11-xcb", "libx11"]),
    library("libXcursor.so.1", ["libxcursor1", "libXcursor", "libxcursor"]),
    library("libXi.so.6", ["libxi6", "libXi", "libxi"]),
    library("libxkbcommon.so.0", ["libxkbcommon0", "libxkbcommon", "libxkbcommon"]),
    library("libxkbcommon-x11.so.0", ["libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"]),
];

/// What Wayland takes.
const WAYLAND: [Library; 2] = [
    library("libwayland-client.so.0", ["libwayland-client0", "libwayland-client", "wayland"]),
    library("libxkbcommon.so.0", ["libxkbcommon0", "libxkbcommon", "libxkbcommon"]),
];

/// What draws: Vulkan or OpenGL, of which one is enough, with a driver for whatever card there is, or for none.
const VULKAN: [&str; 3] =
    ["libvulkan1 mesa-vulkan-drivers", "vulkan-loader mesa-vulkan-drivers", "vulkan-icd-loader vulkan-swrast"];
const OPENGL: [&str; 3] =
    ["libegl1 libgl1 libgl1-mesa-dri", "mesa-libEGL mesa-libGL mesa-dri-drivers", "mesa libglvnd"];

/// How each of them installs packages.
const INSTALL: [&str; 3] = ["apt install", "dnf install", "pacman -S"];

/// What to install, where libraries are missing that talk to the display; `None` where all are there.
pub(super) fn missing_for_display() -> Option<String> {
    if cfg!(not(target_os = "linux")) {
        return None;
    }
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let wayland = is_set("WAYLAND_DISPLAY") || is_set("WAYLAND_SOCKET");
    let needed: &[Library] = if wayland { &WAYLAND } else { &X11 };
    let missing: Vec<&Library> = needed.iter().filter(|library| !loads(library.file)).collect();
    (!missing.is_empty()).then(|| lacking(&missing, system()))
}

/// What to install where nothing can draw, and the library that is not there at all.
pub(super) fn to_draw() -> Option<String> {
    if cfg!(not(target_os = "linux")) {
        return None;
    }
    Some(drawing(system(), loads("libvulkan.so.1"), loads("libEGL.so.1")))
}

/// Which libraries are missing, and the command that brings them.
fn lacking(missing: &[&Library], system: Option<usize>) -> String {
    let files: Vec<&str> = missing.iter().map(|library| library.file).collect();
    let (verb, files) = (if files.len() == 1 { "is" } else { "are" }, files.join(", "));
    let mut packages: Vec<&str> = missing.iter().map(|library| library.packages[system.unwrap_or_default()]).collect();
    packages.dedup();
    format!("{files} {verb} missing: {}", install(&packages.join(" "), system))
}

fn drawing(system: Option<usize>, has_vulkan: bool, has_opengl: bool) -> String {
    let of = system.unwrap_or_default();
    let what = match (has_vulkan, has_opengl) {
        (false, false) => "neither Vulkan nor OpenGL is there",
        _ => "no driver for Vulkan or OpenGL does",
    };
    format!("{what}: {}, or {}", install(VULKAN[of], system), OPENGL[of])
}

fn install(packages: &str, system: Option<usize>) -> String {
    match system {
        Some(system) => format!("`{} {packages}`", INSTALL[system]),
        None => format!("install what Debian calls {packages}"),
    }
}

/// Which of the systems this one is like.
fn system() -> Option<usize> {
    like(&std::fs::read_to_string("/etc/os-release").unwrap_or_default())
}

/// The same, from `/etc/os-release`.
fn like(release: &str) -> Option<usize> {
    let of = |key: &str| release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let words = ["ID", "ID_LIKE"].into_iter().filter_map(of).flat_map(|value| value.trim_matches('"').split(' '));
    words.into_iter().find_map(|word| match word {
        "debian" | "ubuntu" => Some(0),
        "fedora" | "rhel" => Some(1),
        "arch" => Some(2),
        _ => None,
    })
}

/// Whether the system finds and loads a library.
#[cfg(target_os = "linux")]
fn loads(file: &str) -> bool {
    // SAFETY: system libraries that the window is about to load itself; what they do on being loaded is what it relies on.
    unsafe { libloading::Library::new(file) }.is_ok()
}

#[cfg(not(target_os = "linux"))]
const fn loads(_: &str) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command_that_brings_it() {
        let missing = [&X11[0], &X11[1], &X11[5]];
        let told = "libX11.so.6, libX11-xcb.so.1, libxkbcommon-x11.so.0 are missing: ";
        let on = |system| lacking(&missing, system);
        assert_eq!(on(Some(0)), format!("{told}`apt install libx11-6 libx11-xcb1 libxkbcommon-x11-0`"));
        assert_eq!(on(Some(2)), format!("{told}`pacman -S libx11 libxkbcommon-x11`"), "one package brings two of them");
        assert_eq!(on(None), format!("{told}install what Debian calls libx11-6 libx11-xcb1 libxkbcommon-x11-0"));
        assert_eq!(lacking(&[&X11[3]], Some(1)), "libXi.so.6 is missing: `dnf install libXi`");
    }

    #[test]
    fn without_anything_to_draw_with_both_ways_are_named() {
        let told = drawing(Some(0), false, false);
        assert!(told.starts_with("neither Vulkan nor OpenGL is there: `apt install libvulkan1 mesa-vulkan"), "{told}");
        assert!(told.ends_with(", or libegl1 libgl1 libgl1-mesa-dri"), "{told}");
        assert!(drawing(None, true, false).starts_with("no driver for Vulkan or OpenGL does: install what Debian"));
    }

    #[test]
    fn a_system_is_known_by_what_it_is_or_is_like() {
        assert_eq!(like("PRETTY_NAME=\"Debian GNU/Linux 13\"\nID=debian\n"), Some(0));
        assert_eq!(like("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), Some(0));
        assert_eq!(like("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Some(1));
        assert_eq!(like("ID=manjaro\nID_LIKE=arch\n"), Some(2));
        assert_eq!((like("ID=gentoo\n"), like("")), (None, None));
    }

    #[test]
    fn a_library_that_does_not_exist_is_not_loaded() {
        assert_eq!(loads("libshufflescope-has-no-such-library.so.1"), cfg!(not(target_os = "linux")));
    }
}
