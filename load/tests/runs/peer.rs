//! A peer in place of the engine that does to messages what an engine must not: that a run notices is
//! what its checks are worth. And one that is too busy at first, which the real one is only by chance.

use std::collections::BTreeSet;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Author, ChatMessage, Control, EventBody, Holder, Offset};
use vigie_protocol::method::{Connected, Done, Empty, Identity, Method, Say, Subscribed};
use vigie_protocol::push::{EventPush, Notification};
use vigie_protocol::rpc::{self, Encoding, Message};
use vigie_protocol::scan::Scanner;

use crate::support::load;

const SESSION: &str = "f845098c-869c-8899-911a-3bbea69f84d9";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Habit {
    Sound,
    /// Refuses each message once as too busy, and is not asked in vain.
    Busy,
    /// Acknowledges every second message, and forgets it.
    Drops,
    /// Has each message in the log twice.
    Doubles,
    /// Sends each event twice.
    Repeats,
    /// Leaves an offset out without a word.
    Skips,
    /// Acknowledges another offset than that of the message.
    Misplaces,
}

/// Listens on TCP; where.
async fn peer(habit: Habit) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(
                Peer { habit, head: 0, busy: BTreeSet::new(), out: Vec::new() }.serve(socket),
            );
        }
    });
    address
}

struct Peer {
    habit: Habit,
    head: Offset,
    /// Keys of messages that were refused.
    busy: BTreeSet<String>,
    out: Vec<u8>,
}

impl Peer {
    async fn serve(mut self, mut socket: TcpStream) {
        let (mut arrived, mut scanner) = (Vec::new(), Scanner::within(1 << 20));
        while socket.read_buf(&mut arrived).await.is_ok_and(|read| read > 0) {
            while let Some(length) = scanner.scan(&arrived).unwrap() {
                let message: Vec<u8> = arrived.drain(..length).collect();
                self.hear(&message);
                if arrived.is_empty() {
                    break;
                }
            }
            // One who has left does not read what was under way.
            let _ = socket.write_all(&std::mem::take(&mut self.out)).await;
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let message = rpc::decode(Encoding::MessagePack, bytes).unwrap();
        let Message::Request { id, method, params } = message else { return };
        let control = Control { epoch: 1, holder: Holder::Bot {}, since: 0 };
        match &*method {
            "connect" => {
                let identity = Identity::Visitor {
                    site: "demo".parse().unwrap(),
                    visitor: SESSION.parse().unwrap(),
                    session: SESSION.parse().unwrap(),
                    resume: "resume".into(),
                    offset: 0,
                    control,
                };
                let (protocol, features, server) = (1, vec![], "a peer".into());
                let (time, heartbeat, generation) = (0, 25_000, None);
                self.answer(
                    &id,
                    &Ok(Connected {
                        protocol,
                        features,
                        server,
                        time,
                        heartbeat,
                        generation,
                        identity,
                    }),
                );
            }
            "subscribe" => {
                let (session, offset, card) = (SESSION.parse().unwrap(), self.head, None);
                self.answer(&id, &Ok(Subscribed { session, offset, control, card }));
            }
            Say::NAME => self.say(&id, params.decode().unwrap()),
            _ => self.answer(&id, &Ok(Empty {})),
        }
    }

    fn say(&mut self, id: &rpc::Id, say: Say) {
        if self.habit == Habit::Busy && self.busy.insert(say.key.as_str().to_owned()) {
            return self.answer::<Done>(id, &Err(RpcError::new(ErrorCode::Busy, "not now")));
        }
        self.head += 1;
        if self.habit == Habit::Drops && self.head.is_multiple_of(2) {
            let (offset, epoch) = (self.head, 1);
            self.head -= 1;
            self.habit = Habit::Sound;
            return self.answer(id, &Ok(Done { offset, epoch }));
        }
        let mut prev = self.head - 1;
        if self.habit == Habit::Skips {
            (self.head, prev) = (self.head + 1, self.head);
        }
        let misplaced = u64::from(self.habit == Habit::Misplaces);
        self.answer(id, &Ok(Done { offset: self.head + misplaced, epoch: 1 }));
        self.push(&say, prev);
        match self.habit {
            Habit::Doubles => {
                self.head += 1;
                self.push(&say, self.head - 1);
            }
            Habit::Repeats => self.push(&say, prev),
            _ => {}
        }
    }

    fn push(&mut self, say: &Say, prev: Offset) {
        let (text, key) = (say.text.clone(), Some(say.key.clone()));
        let message = ChatMessage { text, epoch: 1, key, turn: None, choices: vec![] };
        let event = EventPush {
            session: SESSION.parse().unwrap(),
            offset: self.head,
            prev,
            time: 0,
            author: Author::Visitor {},
            body: EventBody::Message(message),
        };
        self.out.extend(rpc::notification(Encoding::MessagePack, EventPush::NAME, &event));
    }

    fn answer<T: serde::Serialize>(&mut self, id: &rpc::Id, outcome: &Result<T, RpcError>) {
        self.out.extend(rpc::response(Encoding::MessagePack, id, outcome));
    }
}

#[tokio::test]
async fn a_run_notices_what_an_engine_must_not_do() {
    for (habit, failing) in [
        (Habit::Sound, None),
        (Habit::Drops, Some("every message is seen by its visitor")),
        (Habit::Doubles, Some("no message is seen twice")),
        (Habit::Repeats, Some("no event comes twice")),
        (Habit::Skips, Some("no event is missing")),
        (Habit::Misplaces, Some("messages are where the acknowledgement says")),
    ] {
        let run = load(&["chat", "--visitors", "5", "--per-second", "500", "--duration", "1"]);
        let run = run.json().with(&["--messages-per-second", "20", "--to", &peer(habit).await]);
        let result = run.start().ended().await;
        let report = result.json();
        let failed = report["checks"].as_array().unwrap().iter();
        let failed: Vec<_> = failed.filter(|check| check["passed"] == false).collect();
        let names: Vec<_> = failed.iter().map(|check| check["name"].as_str().unwrap()).collect();
        assert_eq!(names, failing.into_iter().collect::<Vec<_>>(), "{habit:?}: {result}");
        assert_eq!(result.code, i32::from(failing.is_some()), "{habit:?}: {result}");
        assert!(report["counts"]["said"].as_u64().unwrap() > 1, "{habit:?}: {result}");
    }
}

#[tokio::test]
async fn what_the_engine_is_too_busy_for_is_said_again_under_its_key() {
    let run = load(&["chat", "--visitors", "5", "--per-second", "500", "--duration", "2"]);
    let run = run.json().with(&["--messages-per-second", "10", "--to", &peer(Habit::Busy).await]);
    let result = run.start().ended().await;
    assert_eq!(result.code, 0, "{result}");
    let report = result.json();
    let counts = &report["counts"];
    let said = counts["said"].as_u64().unwrap();
    assert!(said > 0, "{result}");
    assert_eq!(counts["said_again"], said, "{result}");
    assert_eq!(
        (&counts["acknowledged"], &counts["refused"]),
        (&said.into(), &0.into()),
        "{result}"
    );
}
