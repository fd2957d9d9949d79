//! A bot that answers each turn after a while, so that what an answer costs the engine can be
//! measured. It answers whatever has happened meanwhile: to refuse what is too late is the engine's
//! part.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use vigie_client::{Closed, Options, with_token};
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::method::{Answer, Serve};
use vigie_protocol::push::{Push, Turn};

use crate::again::{Again, STEADY};
use crate::line::{Asked, Heard, Line, Refusal, name};
use crate::observer::{arrive, leave, lost};
use crate::stage::{FAREWELL, Stage};

/// What it answers.
const ANSWER: &str = "I have noted that, and shall pass it on to the workshop.";

/// How many answers may be thought about at once; more are given at once.
const THOUGHTS_MAX: usize = 10_000;

pub(crate) struct Bot {
    stage: Arc<Stage>,
    node: usize,
    token: Arc<str>,
    delay: Duration,
    /// Answers that are thought about, in the order in which they are due.
    thoughts: VecDeque<(Instant, Answer)>,
    again: Again,
}

impl Bot {
    /// Comes, and asks for the site's turns.
    pub(crate) async fn arrive(
        stage: Arc<Stage>,
        node: usize,
        token: Arc<str>,
        again: Again,
    ) -> Result<(Self, Line), String> {
        let delay = stage.scenario.bots.as_ref().map_or(0, |bots| bots.delay_ms);
        let delay = Duration::from_millis(delay.into());
        let bot = Self { stage, node, token, delay, thoughts: VecDeque::new(), again };
        let line = bot.enter().await.map_err(|refusal| refusal.why)?;
        Ok((bot, line))
    }

    /// Answers until all leave.
    pub(crate) async fn stay(mut self, mut line: Line) {
        let stage = Arc::clone(&self.stage);
        loop {
            let since = Instant::now();
            let Err(closed) = tokio::select! {
                served = self.serve(&mut line) => served,
                () = leave(&stage) => return drop(timeout(FAREWELL, line.close()).await),
            };
            lost(&stage.tally, "a bot", &closed);
            if !closed.reconnect {
                return;
            }
            if since.elapsed() >= STEADY {
                self.again.reset();
            }
            drop(line);
            tokio::select! {
                back = self.come_back() => match back {
                    Some(back) => line = back,
                    None => return,
                },
                () = leave(&stage) => return,
            }
            stage.tally.count(|counts| counts.resumed += 1);
        }
    }

    async fn enter(&self) -> Result<Line, Refusal> {
        let endpoint = &self.stage.target.endpoints[self.node];
        let connect = with_token(&*self.token);
        arrive(endpoint, &Options::default(), connect, |line| line.ask(Asked::Serve, &Serve {}))
            .await
    }

    async fn come_back(&mut self) -> Option<Line> {
        loop {
            sleep(self.again.next()).await;
            self.node = (self.node + 1) % self.stage.target.endpoints.len();
            match self.enter().await {
                Ok(line) => return Some(line),
                Err(refusal) if refusal.again => {}
                Err(refusal) => {
                    self.stage.tally.trouble(format!("a bot cannot come back: {}", refusal.why));
                    return None;
                }
            }
        }
    }

    async fn serve(&mut self, line: &mut Line) -> Result<Infallible, Closed> {
        loop {
            line.flush().await?;
            let due = self.thoughts.front().map_or(line.due(), |(at, _)| line.due().min(*at));
            tokio::select! {
                heard = line.next() => self.take(heard?),
                () = sleep_until(due) => line.beat()?,
            }
            let now = Instant::now();
            while let Some((at, _)) = self.thoughts.front()
                && (*at <= now || self.thoughts.len() > THOUGHTS_MAX)
            {
                if let Some((_, answer)) = self.thoughts.pop_front() {
                    line.ask(Asked::Answer, &answer);
                }
            }
        }
    }

    fn take(&mut self, heard: Heard) {
        let tally = &self.stage.tally;
        match heard {
            Heard::Push(push) => {
                if let Push::Turn(Turn { session, epoch, turn, .. }) = *push {
                    let (text, choices) = (ANSWER.to_owned(), vec![]);
                    let answer = Answer { session, epoch, turn, text, choices };
                    self.thoughts.push_back((Instant::now() + self.delay, answer));
                }
            }
            // The visitor has said more meanwhile, or somebody has taken over.
            Heard::Refused(
                Asked::Answer,
                RpcError { code: ErrorCode::StaleTurn | ErrorCode::StaleEpoch, .. },
            ) => tally.count(|counts| counts.answers_refused += 1),
            Heard::Refused(asked, error) => {
                tally.trouble(format!("{} is refused: {error}", name(asked)));
            }
            _ => {}
        }
    }
}
