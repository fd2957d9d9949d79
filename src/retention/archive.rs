//! Files of closed sessions: gzip, one for each day (in UTC) on which sessions were closed.
//!
//! A file grows by whole gzip members, each on disk before anybody relies on it; `zcat` and the
//! like read one after the other. What a crash has left half written is never written behind, since
//! nobody could read on from there: the day goes on in a further file, `2026-11-21-2.jsonl.gz`.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::{GzDecoder, MultiGzDecoder};
use flate2::write::GzEncoder;
use time::Date;
use vigie_protocol::id::SessionId;

use super::line;

/// What the names of the files end in.
const SUFFIX: &str = ".jsonl.gz";

/// The most files that one day may have.
const FILES_OF_DAY_MAX: u32 = 100;

/// A directory of such files.
pub struct Archive {
    dir: PathBuf,
    /// The file that was written last, and its length then: up to there it is known to be sound.
    sound: Option<(PathBuf, u64)>,
}

/// Why nothing was archived.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The system's.
    #[error("the archive {} cannot be written: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        error: io::Error,
    },
    /// Two engines, or an engine and the command line.
    #[error("another process is writing the archive {}", .0.display())]
    Busy(PathBuf),
    /// Something keeps damaging them.
    #[error("all {FILES_OF_DAY_MAX} files of {day} in the archive {} are damaged", dir.display())]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// The day.
        day: Date,
    },
    /// The thread that writes has failed.
    #[error("the thread that writes the archive has stopped")]
    Stopped,
}

/// One session of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// The line with what is known of it.
    pub record: String,
    /// The lines of its events.
    pub events: Vec<String>,
}

impl Archive {
    /// An archive in this directory, which is made when there is something to archive.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, sound: None }
    }

    /// Adds lines to the file of a day. They are on disk when it returns.
    ///
    /// # Errors
    /// Nothing of them was added, as far as anybody can tell.
    pub fn append(&mut self, day: Date, lines: &[u8]) -> Result<(), ArchiveError> {
        let member = compress(lines).map_err(at(&self.dir))?;
        make_directory(&self.dir).map_err(at(&self.dir))?;
        for number in 1..=FILES_OF_DAY_MAX {
            let path = self.file(day, number);
            let mut file = open(&path).map_err(at(&path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(ArchiveError::Busy(path)),
                Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
            }
            let length = file.metadata().map_err(at(&path))?.len();
            let known = length == 0
                || self.sound.take().is_some_and(|sound| sound == (path.clone(), length));
            if !known && !is_sound(&file).map_err(at(&path))? {
                tracing::warn!(
                    "the archive {} ends in the middle, as a crash may leave it; it is left as it \
                     is, and the next file of that day is written",
                    path.display()
                );
                continue;
            }
            if let Err(error) = self.write(&mut file, length, &member) {
                // Best effort: what remains of it is found unsound and left alone.
                let _ = file.set_len(length);
                return Err(at(&path)(error));
            }
            self.sound = Some((path, length + member.len() as u64));
            return Ok(());
        }
        Err(ArchiveError::Damaged { dir: self.dir.clone(), day })
    }

    fn write(&self, file: &mut File, length: u64, member: &[u8]) -> io::Result<()> {
        file.write_all(member)?;
        file.sync_all()?;
        if length == 0 {
            sync_directory(&self.dir)?;
        }
        Ok(())
    }

    fn file(&self, day: Date, number: u32) -> PathBuf {
        self.dir.join(match number {
            1 => format!("{day}{SUFFIX}"),
            number => format!("{day}-{number}{SUFFIX}"),
        })
    }
}

/// The files of an archive, the oldest day first; or the one file that `path` is.
///
/// # Errors
/// The system's.
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(SUFFIX) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Gives the sessions of a file one by one, as long as `wanted` asks for the events of those it
/// needs. A session may be there twice after a crash.
///
/// # Errors
/// What is wrong with the file, once all that stands before was given.
pub fn read(
    path: &Path,
    wanted: impl Fn(SessionId) -> bool,
    mut take: impl FnMut(SessionId, Archived),
) -> io::Result<()> {
    let lines = BufReader::new(MultiGzDecoder::new(BufReader::new(File::open(path)?))).lines();
    let mut current: Option<(SessionId, Archived)> = None;
    for line in lines {
        // Then what is gathered is not known to be whole.
        let line = line?;
        if let Some(session) = line::begins(&line) {
            let begun = Archived { record: line, events: Vec::new() };
            if let Some((session, whole)) = current.replace((session, begun)) {
                take(session, whole);
            }
        } else if let Some((session, archived)) = &mut current {
            if wanted(*session) {
                archived.events.push(line);
            }
        } else {
            let problem = "it is not an archive of sessions: its first line is not a session's";
            return Err(io::Error::new(ErrorKind::InvalidData, problem));
        }
    }
    if let Some((session, whole)) = current {
        take(session, whole);
    }
    Ok(())
}

fn compress(lines: &[u8]) -> io::Result<Vec<u8>> {
    let mut member = GzEncoder::new(Vec::new(), Compression::default());
    member.write_all(lines)?;
    member.finish()
}

/// It holds conversations, so it is its owner's alone.
fn make_directory(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    dir.parent().map_or(Ok(()), sync_directory)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A name is on disk only once its directory is.
fn sync_directory(dir: &Path) -> io::Result<()> {
    let here = Path::new(".");
    File::open(if dir.as_os_str().is_empty() { here } else { dir })?.sync_all()
}

/// Whether the file consists of whole members, so that what is written behind them can be read.
fn is_sound(file: &File) -> io::Result<bool> {
    let mut rest = BufReader::new(file);
    while !rest.fill_buf()?.is_empty() {
        match io::copy(&mut GzDecoder::new(&mut rest), &mut io::sink()) {
            Ok(_) => {}
            Err(error) if error.raw_os_error().is_some() => return Err(error),
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

fn at(path: &Path) -> impl Fn(io::Error) -> ArchiveError {
    let path = path.to_path_buf();
    move |error| ArchiveError::Io { path: path.clone(), error }
}
