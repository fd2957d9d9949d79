//! Vigie itself: visitors in their sessions, and operators who observe them.

use std::sync::Arc;

use tokio_tungstenite::tungstenite::Message;
use vigie_client::{as_visitor, with_token};
use vigie_protocol::event::Page;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Connected, Empty, Identity, Method, Ping, Say, Subscribe};
use vigie_protocol::push::{Bye, EventPush, Notification};
use vigie_protocol::rpc::{self, Encoding, Id, Message as Rpc};
use vigie_protocol::scan::Scanner;
use vigie_protocol::{ANSWER_BYTES_MAX, SUBPROTOCOL_MESSAGEPACK};

use super::{Heard, Part, Tongue, strange};
use crate::said::{self, Number};

const WIRE: Encoding = Encoding::MessagePack;

/// Requests of the greeting; what is said has greater ids.
const CONNECTING: u32 = 1;
const SUBSCRIBING: u32 = 2;
const SAYING_MIN: u32 = 16;

/// The site, and who works there.
#[derive(Debug)]
pub struct Staff {
    pub site: String,
    /// One for each operator, who may sit at several desks.
    pub tokens: Vec<String>,
}

pub struct Vigie {
    connect: Connect,
    /// Whether they follow their own session.
    follows_own: bool,
    following: Vec<String>,
    session: Option<SessionId>,
}

impl Vigie {
    pub fn new(part: &Part, staff: &Arc<Staff>) -> Self {
        let visitor = || Connect { page: Some(page()), ..as_visitor(&*staff.site) };
        let (connect, following) = match part {
            Part::Idle(_) | Part::Speaker(_) => (visitor(), Vec::new()),
            Part::Watcher(number, sessions) => {
                let token = &staff.tokens[*number as usize % staff.tokens.len()];
                (with_token(&**token), sessions.clone())
            }
        };
        let follows_own = matches!(part, Part::Idle(_));
        Self { connect, follows_own, following, session: None }
    }

    fn next(&mut self) -> Result<Heard, String> {
        let session = match self.following.pop() {
            Some(session) => {
                Some(session.parse().map_err(|_| format!("{session:?} is no session"))?)
            }
            None if std::mem::take(&mut self.follows_own) => None,
            None => return Ok(Heard::Ready),
        };
        let subscribe = Subscribe { session, offset: 0 };
        Ok(Heard::Reply(request(SUBSCRIBING, &subscribe)))
    }

    fn take(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) -> Result<(), String> {
        match rpc::decode_within(WIRE, bytes, ANSWER_BYTES_MAX).map_err(|e| e.to_string())? {
            Rpc::Response { id: Id::Number(id), outcome } => {
                let result = outcome.map_err(|refused| refused.to_string())?;
                let id = u32::try_from(id).map_err(|_| "an answer to no request".to_owned())?;
                if id >= SAYING_MIN {
                    heard.push(Heard::Acknowledged(id - SAYING_MIN));
                    return Ok(());
                }
                if id == CONNECTING {
                    let connected: Connected = result.decode()?;
                    if let Identity::Visitor { session, .. } = connected.identity {
                        self.session = Some(session);
                    }
                }
                heard.push(self.next()?);
            }
            Rpc::Request { id, method, .. } if method == Ping::NAME => {
                let alive = rpc::response(WIRE, &id, &Ok(Empty {}));
                heard.push(Heard::Reply(Message::binary(alive)));
            }
            // Events without a text of ours are what else happens in a session.
            Rpc::Notification { method, .. } if method == EventPush::NAME => {
                heard.extend(said::number(bytes).map(Heard::Delivered));
            }
            Rpc::Notification { method, params } if method == Bye::NAME => {
                let bye: Bye = params.decode()?;
                return Err(format!("closed with {}: {}", bye.code, bye.reason));
            }
            Rpc::Notification { .. } => {}
            _ => return Err("the engine says what is not understood".to_owned()),
        }
        Ok(())
    }
}

impl Tongue for Vigie {
    fn path(&self) -> &'static str {
        "/ws"
    }

    fn subprotocol(&self) -> Option<&'static str> {
        Some(SUBPROTOCOL_MESSAGEPACK)
    }

    fn greet(&mut self) -> Vec<Message> {
        vec![request(CONNECTING, &self.connect)]
    }

    fn hear(&mut self, message: &Message, heard: &mut Vec<Heard>) -> Result<(), String> {
        let Message::Binary(bytes) = message else { return Err(strange(message)) };
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let length = Scanner::within(ANSWER_BYTES_MAX).scan(rest).ok().flatten();
            let length = length.ok_or_else(|| strange(message))?;
            self.take(&rest[..length], heard)?;
            rest = &rest[length..];
        }
        Ok(())
    }

    fn say(&self, number: Number) -> Message {
        let key = format!("bench-{number:08}").parse().expect("it has the shape of a key");
        let say = Say { session: None, key, text: said::text(number), seen: None, confirm: false };
        request(SAYING_MIN + number, &say)
    }

    fn room(&self) -> String {
        self.session.map(|session| session.to_string()).unwrap_or_default()
    }
}

/// The page that visitors are on, as the widget tells it.
fn page() -> Page {
    Page {
        url: "https://shop.example/tables/walnut-extendable".to_owned(),
        title: Some("Extendable table in walnut".to_owned()),
    }
}

fn request<M: Method>(id: u32, params: &M) -> Message {
    Message::binary(rpc::request(WIRE, id, M::NAME, params))
}
