//! The pure room is pure: it is built without a socket, a clock or a disk within reach, and does
//! not name one.
//!
//! Clippy sees to the same from within (`src/core.rs` turns its bans on); this test also holds where
//! nobody runs clippy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates that wait, listen, or touch a disk; what begins with one of these is one of them.
const IMPURE_CRATES: [&str; 8] =
    ["actix", "tokio", "mio", "socket2", "futures", "rusqlite", "tracing", "rand"];

/// What code without a clock, I/O or async has no use for.
const IMPURE_WORDS: [&str; 18] = [
    "Instant",
    "SystemTime",
    "async",
    "await",
    "Future",
    "tokio",
    "actix",
    "tracing",
    "RandomState",
    "env",
    "fs",
    "io",
    "net",
    "process",
    "thread",
    "print!",
    "println!",
    "eprintln!",
];

#[test]
fn the_pure_room_builds_alone() {
    cargo(&["check", "--package", "vigie", "--lib", "--no-default-features"]);
}

#[test]
fn the_pure_room_s_dependencies_neither_wait_nor_listen() {
    let tree = cargo(&[
        "tree",
        "--package=vigie",
        "--edges=normal",
        "--no-default-features",
        "--prefix=none",
        "--format={p}",
    ]);
    let crates: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains(&"vigie-protocol"), "this is not the tree of the pure room: {tree}");
    for name in crates {
        let impure = IMPURE_CRATES.iter().find(|impure| name.starts_with(**impure));
        assert_eq!(impure, None, "the pure room depends on {name}");
    }
}

#[test]
fn the_pure_room_names_no_clock_no_io_and_no_async() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core"));
    assert!(sources.len() >= 6, "the pure room is not where it was: {sources:?}");
    for path in sources {
        let source = fs::read_to_string(&path).unwrap();
        // What stands below is run by tests alone.
        let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (line, number) in code.lines().zip(1..) {
            let code = line.split("//").next().unwrap();
            let impure = IMPURE_WORDS.iter().find(|word| names(code, word));
            assert_eq!(impure, None, "{}:{number}: {line}", path.display());
        }
    }
}

#[test]
fn a_word_is_found_as_a_word_only() {
    assert!(names("let now = Instant::now();", "Instant"));
    assert!(names("use std::{fs, io};", "fs") && names("std::fs::read(path)", "std::fs"));
    assert!(!names("fn instantly(Instantaneous: u8)", "Instant"));
}

/// What cargo says. Without the network: whatever this test was built from is there.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--frozen")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {} failed:\n{said}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

/// The room's files, but for those that hold nothing but tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            found.push(path);
        }
    }
    found
}

/// Whether code names something, as a whole word.
fn names(code: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(part_of_word) && !code[at + word.len()..].starts_with(part_of_word)
    })
}
