//! Somebody who only looks on, connection by connection, and writes down every proof.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use vigie_client::{CallError, Endpoint, Link, Options};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::Offset;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Connected, Subscribe, Watch};
use vigie_protocol::push::Push;

use crate::history::{Recorder, Sight, StreamId};

/// How long a connection may take to be let in.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long is waited before another.
const PAUSE: Duration = Duration::from_millis(50);

/// More than a story makes happen.
const PUSHES_MAX: usize = 64 * 1024;

/// What it is about.
pub struct Witness {
    pub who: String,
    pub endpoint: Endpoint,
    pub connect: Connect,
    pub sight: Sight,
    pub sessions: Vec<SessionId>,
    pub recorder: Recorder,
}

/// One that looks on.
pub struct Watching(AbortHandle);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Witness {
    /// Looks on until what is returned is dropped, from each session's beginning.
    pub fn start(self) -> Watching {
        Watching(tokio::spawn(self.look_on()).abort_handle())
    }

    async fn look_on(self) {
        let mut last: BTreeMap<SessionId, Offset> =
            self.sessions.iter().map(|session| (*session, 0)).collect();
        let mut generation = None;
        for connection in 0.. {
            if let Some((link, connected)) = self.connect().await {
                // Another log than before: what was seen of that one is void.
                let void = generation.is_some() && generation != Some(connected.generation);
                generation = Some(connected.generation);
                if void {
                    last.values_mut().for_each(|offset| *offset = 0);
                }
                let streams = self.follow(connection, void, &last);
                tokio::select! {
                    () = self.subscribe(&link, &streams, &last) => {}
                    () = self.read(&link, &streams) => {}
                }
                for (session, stream) in streams {
                    last.insert(session, self.recorder.last(stream));
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn connect(&self) -> Option<(Link, Connected)> {
        let options = Options { pushes_max: PUSHES_MAX, ..Options::default() };
        let connecting = async {
            let link = Link::open(&self.endpoint, &options).await.ok()?;
            let connected = link.call(&self.connect).await.ok()?;
            Some((link, connected))
        };
        timeout(CONNECT_PATIENCE, connecting).await.ok().flatten()
    }

    fn follow(
        &self,
        connection: u32,
        void: bool,
        last: &BTreeMap<SessionId, Offset>,
    ) -> BTreeMap<SessionId, StreamId> {
        let streams = last.iter().map(|(session, after)| {
            let stream = self.recorder.follows(&self.who, *session, self.sight, connection, *after);
            if void {
                self.recorder.restarts(stream);
            }
            (*session, stream)
        });
        streams.collect()
    }

    /// Returns if the connection is of no use; otherwise goes on for ever.
    async fn subscribe(
        &self,
        link: &Link,
        streams: &BTreeMap<SessionId, StreamId>,
        last: &BTreeMap<SessionId, Offset>,
    ) {
        let asked = last.iter().map(|(session, offset)| async move {
            let subscribe = Subscribe { session: Some(*session), offset: *offset };
            match link.call(&subscribe).await {
                Err(CallError::Refused(error)) if error.code == ErrorCode::OffsetAhead => {
                    self.recorder.restarts(streams[session]);
                    false
                }
                outcome => outcome.is_ok(),
            }
        });
        let followed = join_all(asked).await.into_iter().all(|done| done);
        let watched = match self.sight {
            Sight::Operator => link.call(&Watch::default()).await,
            Sight::Visitor => return self.stay(followed).await,
        };
        if let Ok(list) = &watched {
            self.recorder.is_shown(&self.who, &list.cards);
        }
        self.stay(followed && watched.is_ok()).await;
    }

    /// Goes on for ever, unless it is of no use.
    async fn stay(&self, useful: bool) {
        if useful {
            std::future::pending::<()>().await;
        }
    }

    async fn read(&self, link: &Link, streams: &BTreeMap<SessionId, StreamId>) {
        while let Ok(push) = link.next_push().await {
            match push {
                Push::EventPush(push) => {
                    let (stream, prev) = (streams[&push.session], push.prev);
                    self.recorder.sees(stream, Some(prev), push.into_event());
                }
                Push::Live(live) => self.recorder.is_shown(&self.who, &live.upsert),
                _ => {}
            }
        }
    }
}
