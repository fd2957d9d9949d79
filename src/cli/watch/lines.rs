//! The desk through pipes: a command a line in, what happens line by line out. For scripts, and
//! for terminals that can do no better.

use vigie_client::ClientEvent;
use vigie_protocol::card::Show;
use vigie_protocol::id::SessionId;

use super::draw::{DEGRADED, filter, known_of};
use super::model::{Action, Desk, InControl, Link, Mode, Notice};
use super::told::{self, Told};
use super::{News, Work};
use crate::cli::text::{cut, duration, indented, one_line};
use crate::cli::{CliError, terminal};

const HELP: &str = "\
list              the conversations, numbered
open N            observe one; nobody is told
take [N]          take it over: the bot falls silent
force REASON      take the open one from another operator
say TEXT          say something in the open one
note TEXT         note something, for operators only
release           hand it back to the bot
show FILTER       all, waiting, bot, mine, others
search [WORDS]    only those in which the words occur
close             stop observing
quit              leave";

/// How long a line of the list may be.
const LINE: usize = 160;

/// Works until the commands end, or the operator is turned away.
pub(super) async fn through_pipes(mut work: Work) -> Result<(), CliError> {
    let mut pipes = Pipes { desk: Desk::new(), numbered: vec![], waiting: 0 };
    let mut commands = terminal::lines();
    let asked_to_end = terminal::asked_to_end();
    tokio::pin!(asked_to_end);
    work.take_on(pipes.desk.begin());
    loop {
        let actions = tokio::select! {
            news = work.news() => {
                pipes.desk.now = work.now();
                match news? {
                    News::Event(event) => pipes.hear(*event)?,
                    News::Done(outcome) => pipes.desk.learn(*outcome),
                }
                vec![]
            }
            // One after the other, and each on what the one before has brought about.
            command = commands.recv(), if work.is_idle() && pipes.is_settled() => {
                pipes.desk.now = work.now();
                match command {
                    Some(command) => pipes.command(&command)?,
                    None => vec![Action::Quit],
                }
            }
            () = &mut asked_to_end => vec![Action::Quit],
        };
        pipes.say_notice()?;
        if actions.contains(&Action::Quit) {
            return Ok(());
        }
        work.take_on(actions);
    }
}

struct Pipes {
    desk: Desk,
    /// The sessions as they were listed last.
    numbered: Vec<SessionId>,
    /// How many waited when that was last told.
    waiting: u64,
}

impl Pipes {
    /// Whether everything that was asked for is here.
    fn is_settled(&self) -> bool {
        let open = self.desk.open.as_ref();
        self.desk.cards.is_some() && open.is_none_or(|open| open.is_caught_up())
    }

    fn hear(&mut self, event: ClientEvent) -> Result<(), CliError> {
        let before = self.desk.link.clone();
        let was_degraded = self.desk.degraded;
        let happened = match &event {
            ClientEvent::Event { session, event } => Some((*session, event.clone())),
            _ => None,
        };
        self.desk.hear(event);
        if let (Some((session, event)), Some(open)) = (happened, &self.desk.open)
            && open.session == session
        {
            let at = duration(event.time.saturating_sub(open.started()));
            let Told { who, text, .. } = told::tell(&event);
            let who = who.map(|who| format!("{who}: ")).unwrap_or_default();
            terminal::say(&format!("[{at}] {who}{}", indented(&text)))?;
        }
        match (&self.desk.link, before) {
            (Link::Offline(why), before) if before != self.desk.link => {
                terminal::say(&format!("-- offline, connecting again ({})", one_line(why)))?;
            }
            (Link::Online, Link::Offline(_)) => terminal::say("-- connected again")?,
            _ => {}
        }
        match (was_degraded, self.desk.degraded) {
            (false, true) => terminal::say(&format!("-- {DEGRADED}"))?,
            (true, false) if self.desk.link == Link::Online => {
                terminal::say("-- messages come in time again")?;
            }
            _ => {}
        }
        let waiting = self.desk.totals.waiting;
        if waiting > std::mem::replace(&mut self.waiting, waiting) {
            terminal::say(&format!("-- {waiting} waiting for a human"))?;
        }
        Ok(())
    }

    fn command(&mut self, line: &str) -> Result<Vec<Action>, CliError> {
        let line = line.trim();
        let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        if let Some(open) = &mut self.desk.open {
            open.look();
        }
        Ok(match command {
            "" => vec![],
            "list" => self.list()?,
            "open" => self.numbered(rest).map_or_else(Vec::new, |it| self.desk.observe(it)),
            "take" => self.chosen(rest).map_or_else(Vec::new, |it| self.desk.take_over(it, None)),
            "force" if rest.is_empty() => self.wrong("It takes a reason: force REASON"),
            "force" => {
                let chosen = self.chosen("");
                chosen.map_or_else(Vec::new, |it| self.desk.take_over(it, Some(rest.to_owned())))
            }
            "say" | "note" if rest.is_empty() => self.wrong("It takes a text."),
            "say" => self.desk.say(rest.to_owned()),
            "note" => self.desk.note(rest.to_owned()),
            "release" => self.desk.release(),
            "show" => match show(rest) {
                Some(show) => self.desk.show(show),
                None => self.wrong("Show what? all, waiting, bot, mine or others"),
            },
            "search" => self.desk.search(rest),
            "close" => self.desk.shut(),
            "quit" | "exit" => vec![Action::Quit],
            "help" => {
                terminal::say(HELP)?;
                vec![]
            }
            _ => self.wrong("There is no such command; help lists them."),
        })
    }

    fn list(&mut self) -> Result<Vec<Action>, CliError> {
        let totals = &self.desk.totals;
        terminal::say(&format!(
            "-- {}: {} online, {} waiting, {} bot, {} mine, {} others",
            filter(self.desk.window.show),
            totals.all,
            totals.waiting,
            totals.bot,
            totals.mine,
            totals.others
        ))?;
        let cards = self.desk.cards.as_deref().unwrap_or_default();
        for (at, card) in cards.iter().enumerate() {
            let holder = match self.desk.in_control(&card.control.holder) {
                InControl::Bot => "bot".to_owned(),
                InControl::Me => "you".to_owned(),
                InControl::Other(name) => one_line(name),
            };
            let lasted = duration(self.desk.now.saturating_sub(card.started));
            let waits = card.waiting.map_or("", |_| " WAITS");
            let last = card.last.as_ref().map_or("", |last| &last.text);
            let line = format!(
                "{}) {lasted} {} msg, {holder}{waits} | {} | {last}",
                at + 1,
                card.messages,
                known_of(card)
            );
            terminal::say(&cut(&line, LINE))?;
        }
        self.numbered = cards.iter().map(|card| card.session).collect();
        Ok(vec![])
    }

    /// The session with this number in the list, or with this id.
    fn numbered(&mut self, word: &str) -> Option<SessionId> {
        let number = word.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let session = number.and_then(|at| self.numbered.get(at).copied());
        let session = session.or_else(|| word.parse().ok());
        if session.is_none() {
            self.wrong("Which one? list shows their numbers.");
        }
        session
    }

    /// The session that is named, else the open one.
    fn chosen(&mut self, word: &str) -> Option<SessionId> {
        match &self.desk.open {
            Some(open) if word.is_empty() => Some(open.session),
            _ => self.numbered(word),
        }
    }

    fn wrong(&mut self, problem: &str) -> Vec<Action> {
        self.desk.problem(problem);
        vec![]
    }

    fn say_notice(&mut self) -> Result<(), CliError> {
        if let Mode::Unseen(count) = self.desk.mode {
            let text = self.desk.editor.take();
            self.desk.mode = Mode::List;
            self.desk.problem(format!(
                "Not sent, the visitor has said {count} more; say it again if it still fits: {text}"
            ));
        }
        match self.desk.notice.take() {
            Some(Notice::Info(words)) => terminal::say(&format!("-- {}", indented(&words))),
            Some(Notice::Problem(words)) => terminal::say(&format!("!! {}", indented(&words))),
            None => Ok(()),
        }
    }
}

fn show(word: &str) -> Option<Show> {
    let all = [Show::All, Show::Waiting, Show::Bot, Show::Mine, Show::Others];
    all.into_iter().find(|show| filter(*show) == word)
}
