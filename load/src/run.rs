//! A scenario carried out: visitors come at their pace, stay, speak, and leave in order.
//!
//! A run ends by itself. Each of its steps has a bound, and whoever stops it before gets the
//! result so far.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::pace::Pace;
use crate::people::{Person, chance, one_of};
use crate::progress;
use crate::report::{Ended, Report};
use crate::scenario::{Chat, Scenario};
use crate::tally::Tally;
use crate::target::Target;
use crate::usage::Usage;
use crate::visitor::{
    ARRIVAL_MAX, ARRIVING_MAX, FAREWELL, MAILBOX_MAX, Phase, Remark, Stage, visit,
};

/// At so many visitors turned away the others need not come.
pub const TURNED_AWAY_MAX: u64 = 100;

/// How long answers are waited for at the end.
pub const FINISH_MAX: Duration = Duration::from_secs(10);

/// Which of the uses of chance is about who says what, and when; visitors have the others.
const CHANCE_OF_REMARKS: u64 = 0;

/// What shall be done to whom.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What shall happen.
    pub scenario: Scenario,
    /// To which engine.
    pub target: Target,
    /// The engine's process on this machine, to see what it costs.
    pub server_pid: Option<u32>,
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Not even the first visitor is let in.
    #[error("nobody is let in: {0}")]
    NobodyIn(String),
}

/// A moment between two steps of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) at: Instant,
    pub(crate) own: Option<Usage>,
    pub(crate) server: Option<Usage>,
}

/// Carries a scenario out, until it has ended or `stop` resolves.
///
/// # Errors
/// The first visitor is not let in, so that no other is worth a try.
pub async fn run(plan: Plan, stop: impl Future<Output = ()>) -> Result<Report, RunError> {
    let began = SystemTime::now();
    let stage = Arc::new(Stage {
        target: plan.target.clone(),
        seed: plan.scenario.seed,
        tally: Tally::new(),
        phase: watch::Sender::new(Phase::Arriving),
        arriving: Semaphore::new(ARRIVING_MAX),
        settled: Notify::new(),
    });
    let mut crowd = Crowd { plan: &plan, stage, visitors: JoinSet::new(), marks: Vec::new() };
    let stage = Arc::clone(&crowd.stage);
    crowd.mark();
    let ended = tokio::select! {
        ended = crowd.carry_out() => ended?,
        () = stop => Ended::Stopped,
        () = progress::show(&plan.scenario, &stage) => Ended::Stopped,
    };
    crowd.finish().await;
    crowd.mark();
    let marks = std::mem::take(&mut crowd.marks);
    Ok(Report::new(&plan, began, ended, &marks, &stage.tally.snapshot()))
}

/// All visitors of a run.
struct Crowd<'a> {
    plan: &'a Plan,
    stage: Arc<Stage>,
    visitors: JoinSet<()>,
    marks: Vec<Mark>,
}

/// A visitor who talks.
struct Talker {
    remarks: mpsc::Sender<Remark>,
    lines: Arc<[Arc<str>]>,
}

impl Crowd<'_> {
    async fn carry_out(&mut self) -> Result<Ended, RunError> {
        let scenario = &self.plan.scenario;
        let mut script = Script::new(scenario.chat.as_ref());
        let mut talkers = Vec::new();
        // The first goes ahead: it finds out whether there is an engine at all.
        talkers.extend(self.send_in(0, Instant::now(), &mut script));
        self.settled(1).await;
        if self.stage.tally.counts().arrived == 0 {
            let troubles = self.stage.tally.snapshot().troubles;
            let trouble = troubles.into_keys().next();
            return Err(RunError::NobodyIn(trouble.unwrap_or_else(|| "no answer".into())));
        }
        let pace = Pace::even(Instant::now(), scenario.visitors.per_second);
        for (number, due) in (1..scenario.visitors.count).zip(pace) {
            sleep_until(due).await;
            if self.stage.tally.counts().turned_away >= TURNED_AWAY_MAX {
                return Ok(Ended::TurnedAway);
            }
            talkers.extend(self.send_in(number, due, &mut script));
        }
        self.settled(scenario.visitors.count.into()).await;
        self.mark();
        self.stage.phase.send_replace(Phase::Staying);
        let until = Instant::now() + scenario.duration();
        if let Some(chat) = &scenario.chat {
            talk(&self.stage, chat, talkers, until).await;
        }
        sleep_until(until).await;
        self.mark();
        Ok(Ended::Done)
    }

    /// Sends a visitor on their way; if they talk, tells whom to send what they are to say.
    fn send_in(&mut self, number: u32, due: Instant, script: &mut Script<'_>) -> Option<Talker> {
        let (talker, remarks) = if self.plan.scenario.talks(number) {
            let (remarks, to_say) = mpsc::channel(MAILBOX_MAX);
            let language = Person::draw(self.stage.seed, number).language;
            (Some(Talker { remarks, lines: script.lines(language) }), Some(to_say))
        } else {
            (None, None)
        };
        self.visitors.spawn(visit(Arc::clone(&self.stage), number, due, remarks));
        talker
    }

    /// Waits until so many visitors are there or will not come.
    async fn settled(&self, count: u64) {
        let settled = async {
            loop {
                let counts = self.stage.tally.counts();
                if counts.arrived + counts.turned_away >= count {
                    return;
                }
                self.stage.settled.notified().await;
            }
        };
        // Beyond this only a fault of this program is left; then it goes on with those who came.
        let waves = count.div_ceil(ARRIVING_MAX as u64);
        let most = ARRIVAL_MAX * u32::try_from(waves + 1).unwrap_or(u32::MAX);
        let _ = timeout(most, settled).await;
    }

    /// Lets everybody finish, then lets everybody go.
    async fn finish(&mut self) {
        for (phase, most) in [(Phase::Finishing, FINISH_MAX), (Phase::Leaving, 2 * FAREWELL)] {
            self.stage.phase.send_replace(phase);
            let tally = &self.stage.tally;
            let all_gone = async {
                while let Some(gone) = self.visitors.join_next().await {
                    if gone.is_err() {
                        tally.trouble("a visitor's task failed");
                        tally.count(|counts| counts.lost += 1);
                    }
                }
            };
            if timeout(most, all_gone).await.is_ok() {
                return;
            }
        }
        self.visitors.shutdown().await;
    }

    fn mark(&mut self) {
        let server = self.plan.server_pid.and_then(Usage::of);
        self.marks.push(Mark { at: Instant::now(), own: Usage::own(), server });
    }
}

/// What there is to say, shared by all who speak the same language.
struct Script<'a> {
    chat: Option<&'a Chat>,
    lines: BTreeMap<&'static str, Arc<[Arc<str>]>>,
}

impl<'a> Script<'a> {
    fn new(chat: Option<&'a Chat>) -> Self {
        Self { chat, lines: BTreeMap::new() }
    }

    fn lines(&mut self, language: &'static str) -> Arc<[Arc<str>]> {
        let lines = || self.chat.map_or(&[][..], |chat| chat.lines_for(language));
        let shared = || lines().iter().map(|line| Arc::from(line.as_str())).collect();
        Arc::clone(self.lines.entry(language).or_insert_with(shared))
    }
}

/// Hands out what is to be said, at moments that do not wait for anybody.
async fn talk(stage: &Stage, chat: &Chat, mut talkers: Vec<Talker>, until: Instant) {
    let mut chance = chance(stage.seed, CHANCE_OF_REMARKS);
    talkers.retain(|talker| !talker.remarks.is_closed());
    let pace = Pace::random(Instant::now(), chat.messages_per_second, chance.fork());
    for due in pace.take_while(|due| *due < until) {
        if talkers.is_empty() {
            return stage.tally.trouble("nobody is left who talks");
        }
        sleep_until(due).await;
        stage.tally.count(|counts| counts.intended += 1);
        let at = chance.usize(..talkers.len());
        let text = Arc::clone(one_of(&mut chance, &talkers[at].lines));
        match talkers[at].remarks.try_send(Remark { due, text }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                stage.tally.trouble(format!("a visitor has {MAILBOX_MAX} messages left to say"));
            }
            Err(mpsc::error::TrySendError::Closed(_)) => drop(talkers.swap_remove(at)),
        }
    }
}
