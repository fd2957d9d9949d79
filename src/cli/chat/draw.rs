//! How a conversation looks to its visitor: in a terminal, and line by line.

use std::io::{self, Write};

use crossterm::cursor::{MoveToColumn, MoveUp};
use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, size};
use ratatui::backend::IntoCrossterm;
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};

use super::model::Entry;
use crate::cli::editor::Editor;
use crate::cli::text::{columns, cut, indented, one_line, wrap};

const PROMPT: &str = "> ";

/// The width of a terminal that does not tell.
const WIDTH: u16 = 80;

/// An entry as lines of plain text.
pub(super) fn line(entry: &Entry) -> String {
    match entry {
        Entry::Mine(text) => format!("You: {}", indented(text)),
        Entry::Bot { name, text } => format!("{} (bot): {}", one_line(name), indented(text)),
        Entry::Agent { name, text } => {
            format!("Live agent {}: {}", one_line(name), indented(text))
        }
        Entry::Choice { number, label } => format!("  {number}) {}", one_line(label)),
        Entry::Notice(text) => format!("-- {}", indented(text)),
        Entry::Problem(text) => format!("!! {}", indented(text)),
    }
}

/// A conversation that grows down the terminal, with a line to write in and the state of things
/// always below it. What has been said scrolls away into the terminal's own memory.
///
/// It never asks the terminal where the cursor is: the answer would come in among the keys.
#[derive(Debug)]
pub(super) struct Scroll<W: Write> {
    out: W,
    /// What stands below the conversation, and the cursor's column in its first line.
    below: Option<(Vec<Line<'static>>, u16)>,
}

impl<W: Write> Scroll<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, below: None }
    }

    /// Adds an entry.
    pub(super) fn add(&mut self, entry: &Entry) -> io::Result<()> {
        self.add_at(entry, width())
    }

    /// Puts the line that is written, and how things stand, below the conversation.
    pub(super) fn write_below(&mut self, editor: &Editor, status: &str) -> io::Result<()> {
        self.write_below_at(editor, status, width())
    }

    fn add_at(&mut self, entry: &Entry, width: usize) -> io::Result<()> {
        self.begin()?;
        for line in lines(entry, width) {
            self.put(&line)?;
            queue!(self.out, Print("\r\n"))?;
        }
        self.below = None;
        self.end()
    }

    fn write_below_at(&mut self, editor: &Editor, status: &str, width: usize) -> io::Result<()> {
        // The last column stays free: a cursor there is already in the next line.
        let room = width.saturating_sub(1);
        let (view, column) = editor.view(room.saturating_sub(PROMPT.len()));
        let column = u16::try_from(PROMPT.len() + column).unwrap_or(u16::MAX);
        let written = Line::from(vec![Span::from(PROMPT).bold(), Span::from(view)]);
        let lines = vec![written, Line::from(Span::from(cut(status, room)).dim())];
        let below = Some((lines, column));
        if below == self.below {
            return Ok(());
        }
        self.begin()?;
        if let Some((lines, _)) = &below {
            self.put(&lines[0])?;
            queue!(self.out, Print("\r\n"))?;
            self.put(&lines[1])?;
            queue!(self.out, MoveUp(1), MoveToColumn(column))?;
        }
        self.below = below;
        self.end()
    }

    /// Goes to where the conversation ends, and clears what stands below it.
    fn begin(&mut self) -> io::Result<()> {
        queue!(self.out, BeginSynchronizedUpdate, MoveToColumn(0))?;
        queue!(self.out, Clear(ClearType::FromCursorDown))
    }

    fn put(&mut self, line: &Line<'_>) -> io::Result<()> {
        for span in &line.spans {
            let style = line.style.patch(span.style).into_crossterm();
            queue!(self.out, Print(style.apply(&*span.content)))?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        queue!(self.out, EndSynchronizedUpdate)?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Scroll<W> {
    fn drop(&mut self) {
        // The shell's prompt comes after the conversation, not in the midst of what was below it.
        let _ = self.begin().and_then(|()| self.end());
    }
}

fn width() -> usize {
    usize::from(size().map_or(WIDTH, |(width, _)| width)).max(1)
}

fn lines(entry: &Entry, width: usize) -> Vec<Line<'static>> {
    match entry {
        Entry::Mine(text) => spoken("You", Style::new().bold(), text, width),
        Entry::Bot { name, text } => {
            spoken(&format!("{name} (bot)"), Style::new().fg(Color::Magenta), text, width)
        }
        Entry::Agent { name, text } => {
            spoken(&format!("Live agent {name}"), Style::new().fg(Color::Green).bold(), text, width)
        }
        Entry::Choice { number, label } => vec![Line::from(vec![
            Span::from(format!("  {number} ")).fg(Color::Cyan),
            Span::from(cut(label, width.saturating_sub(5))),
        ])],
        Entry::Notice(text) => styled(text, width, Style::new().dim().italic()),
        Entry::Problem(text) => styled(text, width, Style::new().fg(Color::Red)),
    }
}

/// Somebody's words behind their name.
fn spoken(who: &str, style: Style, text: &str, width: usize) -> Vec<Line<'static>> {
    let who = format!("{}: ", one_line(who));
    // The name takes the place of a word that is as long.
    let filler = "\u{2007}".repeat(columns(&who).min(width).saturating_sub(1)) + " ";
    let mut lines = wrap(&format!("{filler}{text}"), width).into_iter();
    let head = lines.next().unwrap_or_default();
    let rest = head.strip_prefix(&filler).unwrap_or("").to_owned();
    let mut shown = vec![Line::from(vec![Span::styled(who, style), Span::from(rest)])];
    shown.extend(lines.map(Line::from));
    shown
}

fn styled(text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    wrap(text, width).into_iter().map(|line| Line::styled(line, style)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bot(text: &str) -> Entry {
        Entry::Bot { name: "Plume".into(), text: text.into() }
    }

    fn rows(entry: &Entry, width: usize) -> Vec<String> {
        lines(entry, width).iter().map(ToString::to_string).collect()
    }

    /// What a terminal is sent by `write`.
    fn sent(write: impl FnOnce(&mut Scroll<&mut Vec<u8>>)) -> String {
        let mut bytes = Vec::new();
        write(&mut Scroll::new(&mut bytes));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn words_stand_behind_the_name_of_who_says_them() {
        assert_eq!(rows(&Entry::Mine("hi".into()), 24), ["You: hi"]);
        assert_eq!(
            rows(&bot("Hello, what can I do for you?"), 24),
            ["Plume (bot): Hello, what", "can I do for you?"]
        );
        assert_eq!(
            rows(&bot("Donaudampfschifffahrt"), 24),
            ["Plume (bot): ", "Donaudampfschifffahrt"]
        );
        assert_eq!(
            rows(&Entry::Choice { number: 1, label: "Shipping".into() }, 24),
            ["  1 Shipping"]
        );
    }

    #[test]
    fn names_and_texts_cannot_steer_the_terminal_or_look_like_others() {
        let name = "Bo\u{1b}[2J\nLive agent Ann".to_owned();
        let spoof = Entry::Bot { name, text: "hi\nLive agent Ann: \u{1b}]0;pay\u{7}".into() };
        assert_eq!(line(&spoof), "Bo[2J Live agent Ann (bot): hi\n    Live agent Ann: ]0;pay");
        assert!(!rows(&spoof, 80).concat().chars().any(char::is_control));
    }

    #[test]
    fn the_written_line_is_drawn_anew_below_every_entry_and_only_if_it_changed() {
        let mut editor = Editor::default();
        editor.insert("thank you");
        let once = sent(|scroll| scroll.write_below_at(&editor, "Ann is typing …", 40).unwrap());
        let twice = sent(|scroll| {
            scroll.write_below_at(&editor, "Ann is typing …", 40).unwrap();
            scroll.write_below_at(&editor, "Ann is typing …", 40).unwrap();
        });
        assert_eq!(once, twice);
        let around = sent(|scroll| {
            scroll.write_below_at(&editor, "Ann is typing …", 40).unwrap();
            scroll.add_at(&bot("hello"), 40).unwrap();
            scroll.write_below_at(&editor, "", 40).unwrap();
        });
        assert_eq!(around.matches("thank you").count(), 2);
        assert!(around.find("hello") < around.rfind("thank you"));
    }

    #[test]
    fn a_terminal_narrower_than_a_name_still_shows_the_words() {
        assert!(rows(&bot("hello"), 8).concat().contains("hello"));
        for width in 1..20 {
            sent(|scroll| scroll.add_at(&bot("日本語 hello"), width).unwrap());
            sent(|scroll| scroll.write_below_at(&Editor::default(), "status", width).unwrap());
        }
    }
}
