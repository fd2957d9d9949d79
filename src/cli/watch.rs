//! `vigie watch`: an operator in the terminal.
//!
//! What happens is decided by [`model`]; here it meets the client, the clock and the person: on a
//! terminal as a screen of its own, through pipes command by command.

mod draw;
mod lines;
mod model;
mod told;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crossterm::event::Event as Input;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use vigie_client::client::TokenSource;
use vigie_client::{CallError, Client, ClientEvent, ClientOptions, Endpoint, with_token};
use vigie_protocol::event::Millis;
use vigie_protocol::method::Connect;

use super::terminal::{self, Keyboard, Screen};
use super::token::RankArg;
use super::{CliError, now, reach, token};
use crate::config::Config;
use model::{Action, Answer, Desk, Outcome};

/// The shortest time between two drawings.
const FRAME: Duration = Duration::from_millis(16);

/// How often the durations are drawn anew.
const TICK: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    at: reach::At,
    /// The site's id, of a site on this machine: makes its own token
    #[arg(long, default_value = "demo", conflicts_with = "token")]
    site: String,
    /// An operator's token, for a site anywhere
    #[arg(long, env = "VIGIE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Who you are to the site [default: your login]
    #[arg(long, conflicts_with = "token")]
    id: Option<String>,
    /// The name that visitors see [default: the id]
    #[arg(long, conflicts_with = "token")]
    name: Option<String>,
    /// What you may do
    #[arg(long, value_enum, default_value = "supervisor", conflicts_with = "token")]
    rank: RankArg,
}

pub(super) async fn run(config: &Config, args: Args) -> Result<(), CliError> {
    let mut client = reach::client_options(None);
    let token = match args.token {
        Some(token) => token,
        None => {
            let site = reach::local_site(config, &args.site).await?.ok_or_else(|| {
                CliError::Refused(format!(
                    "there is no site {} on this machine; for one elsewhere give its operator's \
                     --token",
                    args.site
                ))
            })?;
            let id = args.id.or_else(login).unwrap_or_else(|| "operator".to_owned());
            let name = args.name.unwrap_or_else(|| id.clone());
            let rank = args.rank;
            let first = token::for_operator(&site, &id, &name, rank)?;
            client.token = Some(TokenSource::new(move || {
                let token = token::for_operator(&site, &id, &name, rank);
                async move { token.map_err(|error| error.to_string()) }
            }));
            first
        }
    };
    let endpoint = args.at.endpoint(config)?;
    watch(WatchOptions { endpoint, connect: with_token(token), client }).await
}

/// Who watches what.
#[derive(Debug)]
pub(super) struct WatchOptions {
    /// Where the engine listens.
    pub(super) endpoint: Endpoint,
    /// Who the operator is.
    pub(super) connect: Connect,
    /// How to connect.
    pub(super) client: ClientOptions,
}

/// Watches until the operator leaves or is turned away.
pub(super) async fn watch(options: WatchOptions) -> Result<(), CliError> {
    let WatchOptions { endpoint, connect, client } = options;
    // A person waits for an engine that is not there yet; a script must be told.
    if terminal::is_interactive() {
        at_terminal(Work::new(Client::start(endpoint, connect, client))).await
    } else {
        let client = Client::connect(endpoint, connect, client).await;
        lines::through_pipes(Work::new(client.map_err(|error| turned_away(&error))?)).await
    }
}

/// The desk as a screen of its own.
async fn at_terminal(mut work: Work) -> Result<(), CliError> {
    let mut screen = Screen::new()?;
    let mut keyboard = Keyboard::new()?;
    let mut desk = Desk::new();
    work.take_on(desk.begin());
    let asked_to_end = terminal::asked_to_end();
    tokio::pin!(asked_to_end);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut drawn, mut to_draw) = (Instant::now(), true);
    loop {
        let actions = tokio::select! {
            () = sleep_until(drawn + FRAME), if to_draw => {
                desk.now = work.now();
                let mut scroll_max = 0;
                screen.draw(|frame| scroll_max = draw::desk(frame, &desk))?;
                desk.limit_scroll(scroll_max);
                (drawn, to_draw) = (Instant::now(), false);
                continue;
            }
            news = work.news() => {
                desk.now = work.now();
                match news? {
                    News::Event(event) => desk.hear(*event),
                    News::Done(outcome) => desk.learn(*outcome),
                }
                vec![]
            }
            input = keyboard.next() => {
                desk.now = work.now();
                match input? {
                    Input::Key(key) => desk.press(key),
                    Input::Paste(text) => desk.paste(&text),
                    _ => vec![],
                }
            }
            _ = tick.tick() => vec![],
            () = &mut asked_to_end => return Ok(()),
        };
        if actions.contains(&Action::Quit) {
            return Ok(());
        }
        work.take_on(actions);
        to_draw = true;
    }
}

/// What the engine has been asked and has not answered.
struct Work {
    client: Client,
    at_work: FuturesUnordered<Pin<Box<dyn Future<Output = Outcome>>>>,
}

/// What comes from the engine.
enum News {
    Event(Box<ClientEvent>),
    Done(Box<Outcome>),
}

impl Work {
    fn new(client: Client) -> Self {
        Self { client, at_work: FuturesUnordered::new() }
    }

    fn take_on(&self, actions: Vec<Action>) {
        for action in actions {
            self.at_work.push(Box::pin(perform(self.client.clone(), action)));
        }
    }

    /// What happens next. Safe to cancel.
    async fn news(&mut self) -> Result<News, CliError> {
        tokio::select! {
            event = self.client.next_event() => match event {
                Some(ClientEvent::Closed(error)) => Err(turned_away(&error)),
                Some(event) => Ok(News::Event(Box::new(event))),
                None => Err(CliError::Refused("the connection has ended".into())),
            },
            Some(outcome) = self.at_work.next() => Ok(News::Done(Box::new(outcome))),
        }
    }

    fn is_idle(&self) -> bool {
        self.at_work.is_empty()
    }

    /// The engine's clock, as durations are counted by it.
    fn now(&self) -> Millis {
        self.client.server_time().unwrap_or_else(now)
    }
}

/// Carries out an action.
async fn perform(client: Client, action: Action) -> Outcome {
    let result = match action.clone() {
        Action::Watch(window) => client.watch(window).await.map(|_| Answer::Nothing),
        Action::Open { session, offset } => {
            let opened = client.subscribe(session, offset).await;
            opened.map(|subscribed| Answer::Open(Box::new(subscribed)))
        }
        Action::Leave(session) => client.unsubscribe(session).await.map(|_| Answer::Nothing),
        Action::TakeOver { session, reason: None } => {
            client.take_over(session).await.map(Answer::Done)
        }
        Action::TakeOver { session, reason: Some(reason) } => {
            client.take_over_by_force(session, reason).await.map(Answer::Done)
        }
        Action::Release(session) => client.release(session).await.map(Answer::Done),
        Action::Say { session, text, seen } => {
            client.say_to(session, text, seen).await.map(Answer::Done)
        }
        Action::Note { session, text } => client.note(session, text).await.map(Answer::Done),
        Action::Typing(session) => {
            client.typing(Some(session), None).await;
            Ok(Answer::Nothing)
        }
        Action::Quit => Ok(Answer::Nothing),
    };
    Outcome { action, result }
}

fn turned_away(error: &CallError) -> CliError {
    CliError::Refused(error.to_string())
}

fn login() -> Option<String> {
    ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|id| !id.is_empty())
}
