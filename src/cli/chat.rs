//! `vigie chat`: a visitor in the terminal.
//!
//! What happens is decided by [`model`]; here it meets the client, the clock and the person: at a
//! terminal with a line to write in below the conversation, through pipes line by line.

mod draw;
mod model;

use std::fs::OpenOptions;
use std::future::Future;
use std::io::{ErrorKind, Stdout, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyModifiers};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use vigie_client::{CallError, Client, ClientEvent, ClientOptions, Endpoint, as_visitor};
use vigie_protocol::event::Page;
use vigie_protocol::method::{Connect, Done, Subscribed};

use super::editor::Editor;
use super::terminal::{self, Keyboard};
use super::{CliError, reach};
use crate::config::Config;
use draw::Scroll;
use model::{Conversation, Entry, Wish};

/// How long the last words of a pipe may wait for an answer: as long as a bot may take, and some.
const LAST_ANSWER: Duration = Duration::from_secs(35);

/// How long what was said before leaving may take to be delivered.
const LAST_DELIVERY: Duration = Duration::from_secs(5);

/// A typing signal holds for this long.
const TYPING_HOLDS: Duration = Duration::from_secs(6);

/// The shortest time between two typing signals.
const TYPING_PAUSE: Duration = Duration::from_millis(250);

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    at: reach::At,
    /// The site: its id if it is on this machine, else its public key
    #[arg(long, default_value = "demo")]
    site: String,
    /// Keeps who the visitor is in this file, to go on with the conversation next time
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// The page that the visitor is on
    #[arg(long, value_name = "URL")]
    page: Option<String>,
    /// The visitor's language: en, fr-CA [default: the terminal's]
    #[arg(long)]
    language: Option<String>,
}

pub(super) async fn run(config: &Config, args: Args) -> Result<(), CliError> {
    let site = reach::local_site(config, &args.site).await?;
    let origin = site.as_ref().filter(|site| !site.native_clients);
    let origin = origin.and_then(|site| site.origins.first().cloned());
    let key = site.map_or(args.site, |site| site.key);
    let connect = Connect {
        page: args.page.map(|url| Page { url, title: None }),
        language: args.language.or_else(terminal::language),
        ..as_visitor(key)
    };
    let client = reach::client_options(origin);
    let endpoint = args.at.endpoint(config)?;
    chat(ChatOptions { endpoint, connect, client, resume: args.resume }).await
}

/// Who talks to whom.
#[derive(Debug)]
pub(super) struct ChatOptions {
    /// Where the engine listens.
    pub(super) endpoint: Endpoint,
    /// Who the visitor is.
    pub(super) connect: Connect,
    /// How to connect.
    pub(super) client: ClientOptions,
    /// The file that keeps who the visitor is for the next time.
    pub(super) resume: Option<PathBuf>,
}

/// Talks until the visitor leaves or is turned away.
pub(super) async fn chat(options: ChatOptions) -> Result<(), CliError> {
    let ChatOptions { endpoint, mut connect, client, resume } = options;
    if let Some(file) = &resume {
        connect.resume = read_token(file)?;
    }
    // A person waits for an engine that is not there yet; a script must be told.
    let (client, person) = if terminal::is_interactive() {
        (Client::start(endpoint, connect, client), Person::at_terminal()?)
    } else {
        let client = Client::connect(endpoint, connect, client).await;
        (client.map_err(|error| turned_away(&error))?, Person::Piped(terminal::lines()))
    };
    let follower = client.clone();
    let chat = Chat {
        conversation: Conversation::new(),
        client,
        person,
        resume,
        // As soon as there is a connection, and over all that come.
        following: Some(Box::pin(async move { follower.subscribe_own(0).await })),
        at_work: None,
        typing_until: None,
        leaving: None,
    };
    chat.run().await
}

/// The person at the other end of stdin and stdout.
enum Person {
    AtTerminal { keyboard: Keyboard, scroll: Scroll<Stdout>, editor: Editor, typing: Typing },
    Piped(mpsc::Receiver<String>),
}

/// What operators are told of what is being written.
struct Typing {
    told: Instant,
    /// It has changed since.
    changed: bool,
}

/// What a person does.
enum Act {
    Enter(String),
    /// Wants to leave at once.
    Leave,
    /// Has nothing more to say.
    End,
    /// Has changed what they write.
    Wrote,
    Nothing,
}

/// Something that the client is doing.
type Work<T> = Option<Pin<Box<dyn Future<Output = Result<T, CallError>>>>>;

struct Chat {
    conversation: Conversation,
    client: Client,
    person: Person,
    resume: Option<PathBuf>,
    following: Work<Subscribed>,
    /// The wish that is being carried out.
    at_work: Work<Done>,
    typing_until: Option<Instant>,
    /// Until when we stay although the person is done, and whether that is for an answer.
    leaving: Option<(Instant, bool)>,
}

impl Chat {
    async fn run(mut self) -> Result<(), CliError> {
        let asked_to_end = terminal::asked_to_end();
        tokio::pin!(asked_to_end);
        loop {
            self.move_on();
            self.person.show(&self.conversation)?;
            if self.may_leave() {
                return Ok(());
            }
            let typing_until = self.typing_until.unwrap_or_else(Instant::now);
            let leave_at = self.leaving.map_or_else(Instant::now, |(at, _)| at);
            let entries = tokio::select! {
                event = self.client.next_event() => self.hear(event)?,
                act = self.person.acts(&self.client), if self.is_heard() => match act? {
                    Act::Enter(line) => self.conversation.enter(&line).unwrap_or_else(|| {
                        self.leaving = Some((Instant::now() + LAST_DELIVERY, false));
                        vec![]
                    }),
                    Act::End => {
                        self.leaving = Some((Instant::now() + LAST_ANSWER, true));
                        vec![]
                    }
                    Act::Leave => return Ok(()),
                    Act::Wrote | Act::Nothing => vec![],
                },
                followed = done(&mut self.following), if self.following.is_some() => {
                    self.following = None;
                    let followed = followed.map_err(|error| turned_away(&error))?;
                    self.conversation.follows_up_to(followed.offset);
                    vec![]
                }
                result = done(&mut self.at_work), if self.at_work.is_some() => {
                    self.at_work = None;
                    self.conversation.carried_out(result)
                }
                () = sleep_until(typing_until), if self.typing_until.is_some() => {
                    self.typing_until = None;
                    self.conversation.stopped_typing();
                    vec![]
                }
                () = sleep_until(leave_at), if self.leaving.is_some() => return self.gives_up(),
                () = &mut asked_to_end => return Ok(()),
            };
            for entry in entries {
                self.person.shown(&entry)?;
            }
        }
    }

    fn hear(&mut self, event: Option<ClientEvent>) -> Result<Vec<Entry>, CliError> {
        match event {
            Some(ClientEvent::Closed(error)) => Err(turned_away(&error)),
            None => Err(CliError::Refused("the connection has ended".into())),
            Some(event) => {
                if let (ClientEvent::Connected(_), Some(file), Some(token)) =
                    (&event, &self.resume, self.client.resume_token())
                {
                    write_token(file, &token)?;
                }
                if matches!(event, ClientEvent::Typing(_)) {
                    self.typing_until = Some(Instant::now() + TYPING_HOLDS);
                }
                Ok(self.conversation.hear(event))
            }
        }
    }

    /// Sets to work on the next wish.
    fn move_on(&mut self) {
        if self.conversation.wants_new_session() {
            self.conversation.leaves_session();
            self.client.reconnect();
        }
        let Some(wish) = self.conversation.next_wish() else { return };
        let client = self.client.clone();
        self.at_work = Some(Box::pin(async move {
            match wish {
                Wish::Say(text) => client.say(text).await,
                Wish::Human => client.request_human().await,
            }
        }));
    }

    /// Whether what the person does counts now. A pipe waits until it has been shown what its
    /// words refer to.
    fn is_heard(&self) -> bool {
        let ready = self.conversation.is_caught_up() || !matches!(self.person, Person::Piped(_));
        ready && self.leaving.is_none()
    }

    fn may_leave(&self) -> bool {
        match self.leaving {
            None => false,
            Some((_, true)) => self.conversation.is_settled(),
            Some((_, false)) => self.conversation.is_delivered(),
        }
    }

    fn gives_up(&self) -> Result<(), CliError> {
        if self.conversation.is_delivered() {
            return Ok(());
        }
        Err(CliError::Refused("not everything could be delivered; try again later".into()))
    }
}

impl Person {
    fn at_terminal() -> Result<Self, CliError> {
        let (keyboard, scroll) = (Keyboard::new()?, Scroll::new(std::io::stdout()));
        let typing = Typing { told: Instant::now(), changed: false };
        Ok(Self::AtTerminal { keyboard, scroll, editor: Editor::default(), typing })
    }

    /// Waits until the person does something. Safe to cancel.
    async fn acts(&mut self, client: &Client) -> Result<Act, CliError> {
        match self {
            Self::Piped(lines) => Ok(lines.recv().await.map_or(Act::End, Act::Enter)),
            Self::AtTerminal { keyboard, editor, typing, .. } => {
                let input = tokio::select! {
                    input = keyboard.next() => input?,
                    () = sleep_until(typing.told + TYPING_PAUSE), if typing.changed => {
                        *typing = Typing { told: Instant::now(), changed: false };
                        client.typing(None, Some(editor.text().to_owned())).await;
                        return Ok(Act::Nothing);
                    }
                };
                let act = act(editor, input);
                typing.changed = match act {
                    // The message itself says that the typing is over.
                    Act::Enter(_) => false,
                    Act::Wrote => true,
                    _ => typing.changed,
                };
                Ok(act)
            }
        }
    }

    /// Shows something that happened.
    fn shown(&mut self, entry: &Entry) -> Result<(), CliError> {
        match self {
            Self::Piped(_) => terminal::say(&draw::line(entry)),
            Self::AtTerminal { scroll, .. } => scroll.add(entry).map_err(terminal::failed),
        }
    }

    /// Shows how things stand.
    fn show(&mut self, conversation: &Conversation) -> Result<(), CliError> {
        match self {
            Self::Piped(_) => Ok(()),
            Self::AtTerminal { scroll, editor, .. } => {
                scroll.write_below(editor, &conversation.status()).map_err(terminal::failed)
            }
        }
    }
}

/// What an input at the terminal means.
fn act(editor: &mut Editor, input: Input) -> Act {
    let changed = match input {
        Input::Key(key) => match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Act::Leave;
            }
            KeyCode::Char('d')
                if key.modifiers.contains(KeyModifiers::CONTROL) && editor.text().is_empty() =>
            {
                return Act::Leave;
            }
            KeyCode::Enter => return Act::Enter(editor.take()),
            _ => editor.press(key),
        },
        Input::Paste(text) => {
            editor.insert(&text);
            true
        }
        _ => false,
    };
    if changed { Act::Wrote } else { Act::Nothing }
}

async fn done<T>(work: &mut Work<T>) -> Result<T, CallError> {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

fn turned_away(error: &CallError) -> CliError {
    CliError::Refused(error.to_string())
}

/// The token that an earlier chat left; none if there was none.
fn read_token(file: &Path) -> Result<Option<String>, CliError> {
    match std::fs::read_to_string(file) {
        Ok(token) => Ok(Some(token.trim().to_owned()).filter(|token| !token.is_empty())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::Io(format!("cannot read {}", file.display()), error)),
    }
}

/// Keeps the token for the next chat, for nobody else's eyes.
fn write_token(file: &Path, token: &str) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(file).and_then(|mut file| writeln!(file, "{token}"));
    written.map_err(|error| CliError::Io(format!("cannot write {}", file.display()), error))
}
