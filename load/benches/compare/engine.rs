//! The engine: how it is set up, and one that a scenario can end and start again on its files.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};

use tempfile::TempDir;
use vigie_load::probe::Metrics;
use vigie_load::usage::Usage;

use crate::peer::{Programs, speaking, there};

/// The only site, and its key.
pub const SITE: &str = "bench";

/// An engine for a scenario; dropped, it ends, and its files are gone.
pub struct Engine<'a> {
    programs: &'a Programs,
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl<'a> Engine<'a> {
    /// Starts one, on files of its own.
    ///
    /// # Errors
    /// Why there is none.
    pub fn start(programs: &'a Programs) -> Result<Self, String> {
        let folder = tempfile::tempdir_in(&programs.disk).map_err(|error| error.to_string())?;
        found(programs, folder.path())?;
        let mut command = command(programs, folder.path())?;
        command.arg("serve");
        let (process, address) = speaking(command)?;
        Ok(Self { programs, process, address, folder })
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// The system does not.
    pub fn kill(&mut self) -> Result<(), String> {
        self.process.kill().map_err(|error| error.to_string())?;
        self.process.wait().map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Starts it again, on its files and at its address; it listens when this returns.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_again(&mut self) -> Result<(), String> {
        let mut command = command(self.programs, self.folder.path())?;
        command.arg("serve").env("VIGIE__HTTP__LISTEN", self.address.to_string());
        (self.process, self.address) = speaking(command)?;
        Ok(())
    }

    /// What proves that somebody works there: as many as are asked for, each another one.
    ///
    /// # Errors
    /// The engine's program does not make one.
    pub fn tokens(&self, role: &str, count: u32) -> Result<Vec<String>, String> {
        let token = |number| token(self.programs, self.folder.path(), role, number as usize);
        (0..count).map(token).collect()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it has cost since it was started.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage, String> {
        Usage::of(self.process.id()).ok_or_else(|| "the engine has ended".to_owned())
    }

    /// Where it tells what it measures of itself.
    ///
    /// # Errors
    /// Its address is none.
    pub fn metrics(&self) -> Result<Metrics, String> {
        format!("http://{}/metrics", self.address).parse()
    }
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sets up the site.
///
/// # Errors
/// The engine's program does not.
pub fn found(programs: &Programs, folder: &Path) -> Result<(), String> {
    run(programs, folder, &["site", "add", SITE, "--key", SITE, "--bot", "peer"]).map(drop)
}

/// What proves that somebody works at the site; each number is another one.
///
/// # Errors
/// The engine's program does not make it.
pub fn token(
    programs: &Programs,
    folder: &Path,
    role: &str,
    number: usize,
) -> Result<String, String> {
    let id = format!("{role}-{number}");
    run(programs, folder, &["token", "--site", SITE, "--role", role, "--id", &id])
}

/// The engine's program, with all that is not to be as its default.
///
/// # Errors
/// It was not built.
pub fn command(programs: &Programs, folder: &Path) -> Result<Command, String> {
    let mut command = Command::new(there(programs.vigie.clone(), "cargo build --release")?);
    command
        .env("VIGIE__HTTP__LISTEN", "127.0.0.1:0")
        .env("VIGIE__TCP__ENABLED", "false")
        .env("VIGIE__TRACING__LEVEL", "error")
        // What visitors look like is not what is compared.
        .env("VIGIE__VISITOR__COUNTRY_FILE", "")
        .env("VIGIE__VISITOR__DEVICE_RULES", "")
        .env("VIGIE__DATA__DIR", folder);
    Ok(command)
}

fn run(programs: &Programs, folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let ran = command(programs, folder)?.args(arguments).output().map_err(|e| e.to_string())?;
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
}
