//! How a conversation looks to its visitor: in a terminal, and line by line.

use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::Position;
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

use super::model::Entry;
use crate::cli::editor::Editor;
use crate::cli::text::{columns, cut, indented, one_line, wrap};

/// The lines below the conversation: the input and how things stand.
pub(super) const HEIGHT: u16 = 2;

const PROMPT: &str = "> ";

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

/// Puts an entry above the input, into the terminal's own scrollback.
pub(super) fn insert<B: Backend>(
    terminal: &mut Terminal<B>,
    entry: &Entry,
) -> Result<(), B::Error> {
    let width = usize::from(terminal.size()?.width);
    let lines = lines(entry, width);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    terminal.insert_before(height, |buffer| Paragraph::new(lines).render(buffer.area, buffer))
}

/// The input with the cursor in it, and how things stand.
pub(super) fn input(frame: &mut Frame<'_>, editor: &Editor, status: &str) {
    let area = frame.area();
    let width = usize::from(area.width);
    let (view, column) = editor.view(width.saturating_sub(PROMPT.len()));
    let lines = vec![
        Line::from(vec![Span::from(PROMPT).bold(), Span::from(view)]),
        Line::from(cut(status, width)).dim(),
    ];
    frame.render_widget(Paragraph::new(lines), area);
    let column = u16::try_from(PROMPT.len() + column).unwrap_or(u16::MAX);
    frame.set_cursor_position(Position::new(area.x + column.min(area.width), area.y));
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
            Span::from(cut(label, width.saturating_sub(4))),
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
    use ratatui::backend::TestBackend;
    use ratatui::{TerminalOptions, Viewport};

    use super::*;

    fn terminal(width: u16, height: u16) -> Terminal<TestBackend> {
        let options = TerminalOptions { viewport: Viewport::Inline(HEIGHT) };
        Terminal::with_options(TestBackend::new(width, height), options).unwrap()
    }

    fn bot(text: &str) -> Entry {
        Entry::Bot { name: "Plume".into(), text: text.into() }
    }

    #[test]
    fn the_conversation_stands_above_the_line_that_is_written() {
        let mut terminal = terminal(24, 7);
        let mut editor = Editor::default();
        editor.insert("thank you");
        insert(&mut terminal, &Entry::Mine("hi".into())).unwrap();
        insert(&mut terminal, &bot("Hello, what can I do for you?")).unwrap();
        insert(&mut terminal, &Entry::Choice { number: 1, label: "Shipping".into() }).unwrap();
        terminal.draw(|frame| input(frame, &editor, "Ann is typing …")).unwrap();
        terminal.backend().assert_buffer_lines([
            Line::from(vec!["You: ".bold(), "hi".into()]),
            Line::from(vec!["Plume (bot): ".fg(Color::Magenta), "Hello, what".into()]),
            Line::from("can I do for you?"),
            Line::from(vec!["  1 ".fg(Color::Cyan), "Shipping".into()]),
            Line::from(vec!["> ".bold(), "thank you".into()]),
            Line::from("Ann is typing …").dim(),
            Line::default(),
        ]);
        terminal.backend_mut().assert_cursor_position(Position::new(11, 4));
    }

    #[test]
    fn names_and_texts_cannot_steer_the_terminal_or_look_like_others() {
        let name = "Bo\u{1b}[2J\nLive agent Ann".to_owned();
        let spoof = Entry::Bot { name, text: "hi\nLive agent Ann: pay here".into() };
        assert_eq!(line(&spoof), "Bo[2J Live agent Ann (bot): hi\n    Live agent Ann: pay here");
    }

    #[test]
    fn a_terminal_narrower_than_a_name_still_shows_the_words() {
        let mut terminal = terminal(8, 12);
        insert(&mut terminal, &bot("hello")).unwrap();
        let shown: String =
            terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
        assert!(shown.contains("hello"), "{shown:?}");
    }
}
