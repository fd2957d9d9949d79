//! What the keys do.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use vigie_protocol::card::Show;
use vigie_protocol::event::Millis;
use vigie_protocol::method::Rank;

use super::{Action, Desk, Mode};

/// What the keys do, to show.
pub(in crate::cli::watch) const HELP: [(&str, &str); 12] = [
    ("↑ ↓", "choose a conversation"),
    ("Enter", "observe it; nobody is told"),
    ("t", "take it over: the bot falls silent"),
    ("T", "take it from another operator, with a reason (supervisors)"),
    ("i", "write to the visitor (while you are in control)"),
    ("n", "note, for operators only"),
    ("r", "release it: the bot goes on"),
    ("f", "next filter: all, waiting, bot, mine, others"),
    ("/", "search: country, page, language, browser, words"),
    ("PgUp PgDn", "scroll the conversation"),
    ("Esc", "leave what you are doing"),
    ("q", "quit"),
];

/// How many lines a page key scrolls.
const PAGE: usize = 10;

/// The shortest time between two typing signals: each holds for 6 s.
const TYPING_PAUSE: Millis = 3_000;

impl Desk {
    /// Does what a key says.
    pub(in crate::cli::watch) fn press(&mut self, key: KeyEvent) -> Vec<Action> {
        let leaving = std::mem::take(&mut self.leaving);
        self.notice = None;
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (self.mode, key.code) {
            (_, KeyCode::Char('c')) if control => vec![Action::Quit],
            (_, KeyCode::PageUp) => self.scroll(PAGE.cast_signed()),
            (_, KeyCode::PageDown) => self.scroll(-PAGE.cast_signed()),
            (Mode::List, code) => self.command(code, leaving),
            (Mode::Help, _) => self.enter_mode(Mode::List),
            (Mode::Unseen(_), KeyCode::Enter) => {
                if let Some(open) = &mut self.open {
                    open.look();
                }
                self.mode = Mode::Write;
                self.send()
            }
            (Mode::Unseen(_), KeyCode::Esc) => self.enter_mode(Mode::Write),
            (Mode::Unseen(_), _) => {
                self.mode = Mode::Write;
                self.write(key)
            }
            (Mode::Write, KeyCode::Enter) => self.send(),
            (Mode::Write, KeyCode::Esc) => self.stop_writing(),
            (Mode::Write, _) => self.write(key),
            (Mode::Note | Mode::Search | Mode::Reason, KeyCode::Esc) => {
                self.editor.take();
                self.enter_mode(Mode::List)
            }
            (Mode::Note | Mode::Search | Mode::Reason, KeyCode::Enter) => self.done_writing(),
            (Mode::Note | Mode::Search | Mode::Reason, _) => {
                self.editor.press(key);
                vec![]
            }
        }
    }

    /// Puts pasted text into the line that is written, if there is one.
    pub(in crate::cli::watch) fn paste(&mut self, text: &str) -> Vec<Action> {
        match self.mode {
            Mode::List | Mode::Help => vec![],
            Mode::Write | Mode::Unseen(_) => {
                self.mode = Mode::Write;
                self.editor.insert(text);
                self.wrote()
            }
            Mode::Note | Mode::Search | Mode::Reason => {
                self.editor.insert(text);
                vec![]
            }
        }
    }

    /// The conversation cannot be scrolled up further than this.
    pub(in crate::cli::watch) fn limit_scroll(&mut self, max: usize) {
        if let Some(open) = &mut self.open {
            open.scroll = open.scroll.min(max);
        }
    }

    fn command(&mut self, code: KeyCode, leaving: bool) -> Vec<Action> {
        match (code, self.selected) {
            (KeyCode::Up | KeyCode::Char('k'), _) => self.select(-1),
            (KeyCode::Down | KeyCode::Char('j'), _) => self.select(1),
            (KeyCode::Home, _) => self.select(isize::MIN),
            (KeyCode::End, _) => self.select(isize::MAX),
            (KeyCode::Enter, Some(selected)) => return self.observe(selected),
            (KeyCode::Char('t'), Some(selected)) => return self.take_over(selected, None),
            (KeyCode::Char('T'), Some(selected)) => return self.ask_reason(selected),
            (KeyCode::Char('r'), _) => return self.release(),
            (KeyCode::Char('i'), _) => return self.begin_to_write(),
            (KeyCode::Char('n'), _) if self.open.is_none() => return self.nothing_open(),
            (KeyCode::Char('n'), _) => {
                self.editor.take();
                self.mode = Mode::Note;
            }
            (KeyCode::Char('f'), _) => return self.show(after(self.window.show)),
            (KeyCode::Char('/'), _) => {
                self.editor.set(self.window.search.clone().unwrap_or_default());
                self.mode = Mode::Search;
            }
            (KeyCode::Char('?' | 'h'), _) => self.mode = Mode::Help,
            (KeyCode::Esc, _) => return self.shut(),
            (KeyCode::Char('q'), _) => return self.quit(leaving),
            _ => {}
        }
        vec![]
    }

    fn ask_reason(&mut self, selected: vigie_protocol::id::SessionId) -> Vec<Action> {
        if self.me.as_ref().is_none_or(|me| me.rank < Rank::Supervisor) {
            self.problem("Only supervisors and admins take over from another operator.");
            return vec![];
        }
        let actions = self.observe(selected);
        self.editor.take();
        self.mode = Mode::Reason;
        actions
    }

    fn begin_to_write(&mut self) -> Vec<Action> {
        if self.open.is_none() {
            return self.nothing_open();
        }
        if !self.controls_open() {
            self.problem("The visitor hears you only while you are in control: t takes over.");
            return vec![];
        }
        self.write_on();
        vec![]
    }

    /// Goes on with what was being written.
    pub(super) fn write_on(&mut self) {
        if let Some(open) = &mut self.open {
            self.mode = Mode::Write;
            self.editor.set(std::mem::take(&mut open.unsent));
        }
    }

    /// Puts aside what is being written.
    pub(super) fn stop_writing(&mut self) -> Vec<Action> {
        if let Some(open) = &mut self.open {
            open.unsent = self.editor.take();
        }
        self.enter_mode(Mode::List)
    }

    fn done_writing(&mut self) -> Vec<Action> {
        let mode = std::mem::replace(&mut self.mode, Mode::List);
        let text = self.editor.take();
        match (mode, &self.open) {
            (Mode::Search, _) => self.search(&text),
            (Mode::Note, _) if text.trim().is_empty() => vec![],
            (Mode::Note, _) => self.note(text),
            (Mode::Reason, Some(open)) if !text.trim().is_empty() => {
                let session = open.session;
                self.take_over(session, Some(text))
            }
            (Mode::Reason, _) => {
                self.problem("It takes a reason.");
                vec![]
            }
            _ => vec![],
        }
    }

    fn write(&mut self, key: KeyEvent) -> Vec<Action> {
        if self.editor.press(key) { self.wrote() } else { vec![] }
    }

    /// The line has changed: the operator has seen what is shown, and the visitor is told that
    /// somebody types.
    fn wrote(&mut self) -> Vec<Action> {
        let controls = self.controls_open();
        let Some(open) = &mut self.open else { return vec![] };
        open.look();
        let session = open.session;
        if !controls || self.now < self.typed + TYPING_PAUSE {
            return vec![];
        }
        self.typed = self.now;
        vec![Action::Typing(session)]
    }

    fn send(&mut self) -> Vec<Action> {
        if self.editor.is_blank() {
            return vec![];
        }
        if self.open.as_ref().is_some_and(|open| open.pending.is_some()) {
            self.info("The message before is still on its way.");
            return vec![];
        }
        let text = self.editor.take();
        if let Some(open) = &mut self.open {
            open.scroll = 0;
        }
        self.say(text)
    }

    fn quit(&mut self, leaving: bool) -> Vec<Action> {
        if self.totals.mine == 0 || leaving {
            return vec![Action::Quit];
        }
        self.leaving = true;
        let held = self.totals.mine;
        self.problem(format!(
            "You control {held}; without you they go back to the bot after a while. q again quits."
        ));
        vec![]
    }

    fn scroll(&mut self, lines: isize) -> Vec<Action> {
        if let Some(open) = &mut self.open {
            open.scroll = open.scroll.saturating_add_signed(lines);
        }
        vec![]
    }

    fn enter_mode(&mut self, mode: Mode) -> Vec<Action> {
        self.mode = mode;
        vec![]
    }
}

const fn after(show: Show) -> Show {
    match show {
        Show::All => Show::Waiting,
        Show::Waiting => Show::Bot,
        Show::Bot => Show::Mine,
        Show::Mine => Show::Others,
        Show::Others => Show::All,
    }
}
