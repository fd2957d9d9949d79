//! One file: where it is read from, what it is, how it is packed.

use std::borrow::Cow;
use std::fmt::Write;
use std::io::Write as _;
use std::path::PathBuf;

use actix_web::http::header::EntityTag;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

/// The largest file that is served, in bytes.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// How many bytes of a file's hash tell its versions apart.
const TAG_BYTES: usize = 12;

/// SHA-256 of a file.
pub(super) type Hash = [u8; 32];

/// The built widget; a debug build reads it from disk, so that what was built last is served.
#[derive(RustEmbed)]
#[folder = "clients/widget/dist"]
#[allow_missing = true]
struct Widget;

/// The built desk, likewise.
#[derive(RustEmbed)]
#[folder = "clients/desk/dist"]
#[allow_missing = true]
struct Desk;

/// Where files are read from.
pub(super) enum Files {
    Built(fn(&str) -> Option<EmbeddedFile>),
    Directory(PathBuf),
}

/// A file's content.
pub(super) struct File {
    pub(super) bytes: Bytes,
    pub(super) hash: Hash,
}

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Whether it is not compressed already.
    pub(super) compresses: bool,
}

impl Files {
    pub(super) fn widget() -> Self {
        Self::Built(Widget::get)
    }

    pub(super) fn desk() -> Self {
        Self::Built(Desk::get)
    }

    /// The file of this name, which [`safe`] has let pass.
    pub(super) fn read(&self, path: &str) -> Option<File> {
        match self {
            Self::Built(get) => get(path).map(|file| File {
                hash: file.metadata.sha256_hash(),
                bytes: match file.data {
                    Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                    Cow::Owned(bytes) => bytes.into(),
                },
            }),
            Self::Directory(directory) => {
                let directory = directory.canonicalize().ok()?;
                let file = directory.join(path).canonicalize().ok()?;
                let metadata = file.metadata().ok()?;
                // A link that leads out of the directory is none of its files.
                let served = file.starts_with(&directory)
                    && metadata.is_file()
                    && metadata.len() <= FILE_BYTES_MAX;
                let bytes: Bytes = served.then(|| std::fs::read(file).ok())??.into();
                Some(File { hash: Sha256::digest(&bytes).into(), bytes })
            }
        }
    }
}

impl File {
    /// What names this version of the file in this packing.
    pub(super) fn tag(&self, compressed: bool) -> EntityTag {
        let mut tag = String::with_capacity(2 * TAG_BYTES + 3);
        for byte in &self.hash[..TAG_BYTES] {
            let _ = write!(tag, "{byte:02x}");
        }
        if compressed {
            tag.push_str("-gz");
        }
        EntityTag::new_strong(tag)
    }
}

/// The path, if it stays below where it starts and names nothing hidden.
pub(super) fn safe(path: &str) -> Option<&str> {
    let sound = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.contains(['\\', ':', '\0'])
            && !part.chars().any(char::is_control)
    };
    path.split('/').all(sound).then_some(path)
}

pub(super) fn kind(path: &str) -> Kind {
    let text = |name| Kind { name, compresses: true };
    let packed = |name| Kind { name, compresses: false };
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => text("text/html; charset=utf-8"),
        "js" | "mjs" => text("text/javascript; charset=utf-8"),
        "css" => text("text/css; charset=utf-8"),
        "json" | "map" => text("application/json"),
        "webmanifest" => text("application/manifest+json"),
        "svg" => text("image/svg+xml"),
        "txt" => text("text/plain; charset=utf-8"),
        "ico" => text("image/x-icon"),
        "wav" => text("audio/wav"),
        "png" => packed("image/png"),
        "jpg" | "jpeg" => packed("image/jpeg"),
        "webp" => packed("image/webp"),
        "avif" => packed("image/avif"),
        "gif" => packed("image/gif"),
        "woff2" => packed("font/woff2"),
        "mp3" => packed("audio/mpeg"),
        "ogg" => packed("audio/ogg"),
        "mp4" => packed("video/mp4"),
        "webm" => packed("video/webm"),
        _ => packed("application/octet-stream"),
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Bytes {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    // Neither can fail in memory; what could not be packed is not smaller, and is sent as it is.
    let done = packed.write_all(bytes).and_then(|()| packed.finish());
    done.map_or_else(|_| Bytes::copy_from_slice(bytes), Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_and_names_nothing_hidden() {
        for path in ["index.html", "assets/a-1.js", "a/b/c.svg", "no extension"] {
            assert_eq!(safe(path), Some(path));
        }
        for path in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "a/./b",
            "a//b",
            ".git/config",
            "a\\..\\b",
            "c:x",
            "a\0",
        ] {
            assert_eq!(safe(path), None, "{path:?}");
        }
    }

    #[test]
    fn what_leads_out_of_a_directory_is_not_read() {
        let outside = tempfile::tempdir().unwrap();
        let inside = outside.path().join("inside");
        std::fs::create_dir_all(inside.join("folder")).unwrap();
        std::fs::write(outside.path().join("secret.txt"), "secret").unwrap();
        std::fs::write(inside.join("open.txt"), "open").unwrap();
        std::os::unix::fs::symlink("../secret.txt", inside.join("link.txt")).unwrap();
        let files = Files::Directory(inside);
        assert_eq!(files.read("open.txt").unwrap().bytes, "open");
        for path in ["link.txt", "../secret.txt", "folder", "missing.txt"] {
            assert!(files.read(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_file_too_large_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let large = std::fs::File::create(directory.path().join("large.js")).unwrap();
        large.set_len(FILE_BYTES_MAX + 1).unwrap();
        assert!(Files::Directory(directory.path().into()).read("large.js").is_none());
    }
}
