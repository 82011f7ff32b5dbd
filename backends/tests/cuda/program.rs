//! C++ for the emulator: many kernels' texts in one program.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One text: its definitions, function and what follows the processor's part.
pub struct Text<'a> {
    pub defines: String,
    pub entry: &'static str,
    pub parts: &'a [&'static str],
    /// What it defines.
    pub names: Vec<&'static str>,
}

/// The compiler for the emulator; `None`, with a message, where there is none, or where what runs the tests does without:
/// under an emulated processor the card would still be played by the real one, for hours.
pub fn compiler() -> Option<PathBuf> {
    if std::env::var_os("SHUFFLESCOPE_NO_CARD_EMULATOR").is_some() {
        eprintln!("skipped: SHUFFLESCOPE_NO_CARD_EMULATOR is set");
        return None;
    }
    let found = Command::new("g++").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: there is no g++ to compile the emulator with");
    }
    found.then(|| PathBuf::from("g++"))
}

/// C++ of all texts with what runs them, and which function each text is. The same text is there once.
pub fn program_of<'a>(texts: impl Iterator<Item = Text<'a>>, driver: &str) -> (String, Vec<usize>) {
    let mut code = String::from(include_str!("../../src/runtime/cuda/sources/emulator.h"));
    code.push_str("\nstruct Raw { const void* x; void* y; const void* w; const void* table; const void* second; int sizes[40]; };\n");
    let (mut known, mut calls) = (HashMap::new(), String::new());
    let numbers = texts
        .map(|Text { defines, entry, parts, names }| {
            let key = (defines, entry, parts.len(), parts.last().map(|part| part.len()));
            let next = known.len();
            *known.entry(key).or_insert_with_key(|(defines, entry, ..)| {
                let _ = writeln!(code, "namespace case_{next} {{\n{defines}");
                parts.iter().for_each(|part| code.push_str(part));
                let _ = writeln!(code, "static void call(const Raw& raw) {{ Arguments a; static_assert(sizeof a == sizeof raw, \"arguments\"); std::memcpy((void*)&a, &raw, sizeof a); {entry}(a); }}\n}}");
                for name in names {
                    let _ = writeln!(code, "#undef {name}");
                }
                let _ = write!(calls, "case_{next}::call, ");
                next
            })
        })
        .collect();
    let _ = writeln!(code, "static void (*const kernels[])(const Raw&) = {{ {calls} }};");
    code.push_str(driver);
    (code, numbers)
}

/// Compiles a program beside its text.
pub fn compile(compiler: &Path, code: &str, program: &Path) -> Result<(), String> {
    let text = program.with_extension("cpp");
    std::fs::write(&text, code).map_err(|error| error.to_string())?;
    let flags = ["-std=c++17", "-O1", "-w", "-ffp-contract=off", "-o"];
    let made = Command::new(compiler).args(flags).arg(program).arg(&text).output();
    let made = made.map_err(|error| error.to_string())?;
    if made.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&made.stderr);
    Err(said.lines().take(40).collect::<Vec<_>>().join("\n"))
}
