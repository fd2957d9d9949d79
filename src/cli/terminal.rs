//! The terminal that a command talks to a person through, put back as it was; or plain lines when
//! one end of it is a pipe.

use std::io::{self, BufRead, IsTerminal, Write};
use std::thread;

use crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, Event, EventStream, KeyEventKind,
};
use crossterm::execute;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use futures_util::StreamExt;
use ratatui::{DefaultTerminal, Frame};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::CliError;

/// How many lines of stdin are read ahead.
const LINES_MAX: usize = 16;

/// Whether a person sits at both ends.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The keyboard, key by key; dropping it gives the terminal its line editing back.
pub(super) struct Keyboard(EventStream);

impl Keyboard {
    pub(super) fn new() -> Result<Self, CliError> {
        enable_raw_mode().map_err(failed)?;
        // A terminal that does not know it ignores it.
        let _ = execute!(io::stdout(), EnableBracketedPaste);
        Ok(Self(EventStream::new()))
    }

    /// The next key, paste or change of size. Safe to cancel.
    pub(super) async fn next(&mut self) -> Result<Event, CliError> {
        loop {
            match self.0.next().await {
                Some(Ok(Event::Key(key))) if key.kind == KeyEventKind::Release => {}
                Some(event) => return event.map_err(failed),
                None => return Err(CliError::Refused("the terminal has gone".into())),
            }
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        let _ = execute!(io::stdout(), DisableBracketedPaste);
        let _ = disable_raw_mode();
    }
}

/// The whole terminal to draw on; dropping it shows again what was there before.
pub(super) struct Screen(DefaultTerminal);

impl Screen {
    pub(super) fn new() -> Result<Self, CliError> {
        ratatui::try_init().map(Self).map_err(failed)
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<(), CliError> {
        self.0.draw(draw).map(drop).map_err(failed)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// The lines of stdin, read by a thread of their own: unlike a task that reads, it does not keep
/// the process when it wants to end.
pub(super) fn lines() -> mpsc::Receiver<String> {
    let (tell, lines) = mpsc::channel(LINES_MAX);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut bytes = Vec::new();
            match stdin.read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
            if tell.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// The language that the terminal is set to, as a BCP 47 tag.
pub(super) fn language() -> Option<String> {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).ok());
    let set = set.into_iter().flatten().find(|set| !set.is_empty())?;
    let tag = set.split(['.', '@']).next()?.replace('_', "-");
    (!matches!(&*tag, "C" | "POSIX")).then_some(tag)
}

/// Prints a line at once, also into a pipe.
pub(super) fn say(line: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(failed)
}

/// Resolves when the process is asked to end.
pub(super) async fn asked_to_end() {
    let (Ok(mut terminate), Ok(mut hang_up), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// The terminal or pipe does not do what it should.
pub(super) fn failed(error: io::Error) -> CliError {
    CliError::Io("the terminal failed".into(), error)
}
