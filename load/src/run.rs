//! A scenario carried out: visitors come at their pace, stay, speak, and leave in order.
//!
//! A run ends by itself. Each of its steps has a bound, and whoever stops it before gets the
//! result so far.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::again::Again;
use crate::bot::Bot;
use crate::day::{Act, Day};
use crate::observer::{Job, Observer, Order};
use crate::pace::Pace;
use crate::people::{Person, chance, one_of};
use crate::probe::{Mark, Process, Samples, sample};
use crate::progress::{self, Progress};
use crate::report::{Ended, Report};
use crate::scenario::{Chat, OBSERVED_MAX, Scenario};
use crate::stage::{ARRIVAL_MAX, ARRIVING_MAX, FAREWELL, Stage, Step};
use crate::tally::{Sums, Tally};
use crate::target::Target;
use crate::visitor::{MAILBOX_MAX, Part, Remark, visit};

/// At so many visitors turned away the others need not come.
pub const TURNED_AWAY_MAX: u64 = 100;

/// How long answers are waited for at the end.
pub const FINISH_MAX: Duration = Duration::from_secs(10);

/// Which of the uses of chance is about who says what, and when; visitors have the others.
const CHANCE_OF_REMARKS: u64 = 0;

/// Which of the uses of chance is about how long staff wait before they come back.
const CHANCE_OF_STAFF: u64 = 1 << 50;

/// How often somebody is drawn to be taken over before one is taken who is just now.
const DRAWS_MAX: usize = 16;

/// What shall be done to whom.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What shall happen.
    pub scenario: Scenario,
    /// To which engine.
    pub target: Target,
    /// What proves who operators and bots are, if the scenario has any.
    pub tokens: Tokens,
    /// Processes on this machine, to see what they cost.
    pub processes: Vec<Process>,
}

/// What proves who somebody is.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// Operators, at the desks in turn. If it is one, all desks are that operator's.
    pub operators: Vec<String>,
    /// A bot. All bots are one and the same.
    pub bot: Option<String>,
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Not even the first visitor is let in.
    #[error("nobody is let in: {0}")]
    NobodyIn(String),
    /// Not all operators and bots are let in.
    #[error("{who} is not let in: {why}")]
    NoStaff {
        /// Who.
        who: &'static str,
        /// What the engine says.
        why: String,
    },
    /// There is nothing to prove who they are.
    #[error("the scenario has {0}, so their token is needed: {1}")]
    NoToken(&'static str, &'static str),
    /// One of several processes has nothing to report.
    #[error("{0}")]
    Process(String),
}

/// What came of a run, or of one process's part of it.
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    pub(crate) sums: Sums,
    /// Between the steps: all are there, the day is over, all have left.
    pub(crate) marks: Vec<Mark>,
    pub(crate) samples: Vec<Mark>,
}

/// Carries a scenario out, until it has ended or `stop` resolves.
///
/// # Errors
/// The first visitor is not let in, so that no other is worth a try.
pub async fn run(plan: Plan, stop: impl Future<Output = ()>) -> Result<Report, RunError> {
    let stage = Arc::new(Stage::new(plan.scenario.clone(), plan.target.clone(), 0, 1));
    let show = progress::show(&plan.scenario, || Progress::of(&stage));
    let together = async || {};
    let outcome = tokio::select! {
        outcome = carry_out(&plan, &stage, stop, together) => outcome?,
        never = show => match never {},
    };
    Ok(Report::new(&plan, outcome))
}

/// Carries a scenario, or a share of it, out. `together` resolves when all other shares' visitors are
/// there, too.
pub(crate) async fn carry_out(
    plan: &Plan,
    stage: &Arc<Stage>,
    stop: impl Future<Output = ()>,
    together: impl AsyncFnOnce(),
) -> Result<Outcome, RunError> {
    let own = [std::process::id()];
    let mut crowd = Crowd {
        plan,
        stage: Arc::clone(stage),
        observers: Vec::new(),
        stalling: Vec::new(),
        others: Vec::new(),
        staff: JoinSet::new(),
        visitors: JoinSet::new(),
        marks: vec![Mark::now(&own, &plan.processes).await],
    };
    let samples = Mutex::new(Samples::default());
    let ended = async {
        let ended = tokio::select! {
            ended = crowd.carry_out(together) => ended?,
            () = stop => Ended::Stopped,
        };
        crowd.finish().await;
        crowd.mark().await;
        Ok::<_, RunError>(ended)
    };
    let ended = tokio::select! {
        ended = ended => ended?,
        () = sample(&own, &plan.processes, &samples) => Ended::Stopped,
    };
    let samples = samples.into_inner().unwrap_or_else(PoisonError::into_inner).marks;
    Ok(Outcome { ended, sums: stage.tally.snapshot(), marks: crowd.marks, samples })
}

/// Everybody who takes part in a run.
struct Crowd<'a> {
    plan: &'a Plan,
    stage: Arc<Stage>,
    /// Where to say who is to be observed; the first is on the first node, and so on round robin.
    observers: Vec<mpsc::Sender<Order>>,
    /// Those who stop reading now and then.
    stalling: Vec<mpsc::Sender<Order>>,
    /// Nobody tells these anything.
    others: Vec<mpsc::Sender<Order>>,
    /// Operators and bots.
    staff: JoinSet<()>,
    visitors: JoinSet<()>,
    marks: Vec<Mark>,
}

/// A visitor who talks.
struct Talker {
    number: u32,
    remarks: mpsc::Sender<Remark>,
    lines: Arc<[Arc<str>]>,
    /// Which operator observes them.
    observer: Option<usize>,
    /// Until when they are taken over, if all goes well.
    held_until: Instant,
}

impl Crowd<'_> {
    async fn carry_out(&mut self, together: impl AsyncFnOnce()) -> Result<Ended, RunError> {
        let scenario = &self.plan.scenario;
        self.staff().await?;
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
        let at_first = self.stage.scene.borrow().present;
        let pace = Pace::even(Instant::now(), scenario.visitors.per_second);
        for (number, due) in (1..at_first).zip(pace) {
            sleep_until(due).await;
            if self.stage.tally.counts().turned_away >= TURNED_AWAY_MAX {
                return Ok(Ended::TurnedAway);
            }
            talkers.extend(self.send_in(number, due, &mut script));
        }
        self.settled(at_first.into()).await;
        together().await;
        self.mark().await;
        let from = Instant::now();
        self.stage.scene.send_modify(|scene| {
            scene.step = Step::Staying;
            scene.since = Some(from);
        });
        talkers.retain(|talker| !talker.remarks.is_closed());
        self.spend_day(from, talkers, script).await;
        self.mark().await;
        Ok(Ended::Done)
    }

    /// Sees to it that everything happens when it should.
    async fn spend_day(&mut self, from: Instant, mut talkers: Vec<Talker>, mut script: Script<'_>) {
        let scenario = &self.plan.scenario;
        let mut chance =
            chance(scenario.seed, CHANCE_OF_REMARKS ^ (u64::from(self.stage.part) << 32));
        let mut day = Day::new(scenario, from, chance.fork());
        let mut sent_in = self.stage.scene.borrow().present;
        while let Some((due, act)) = day.next() {
            sleep_until(due).await;
            match act {
                Act::Remark => self.remark(due, &mut talkers, &mut chance),
                Act::Takeover => self.take_over(due, &mut talkers, &mut chance),
                Act::Drop(share) => self.stage.scene.send_modify(|scene| {
                    scene.drops += 1;
                    scene.dropped = Some((share, due));
                }),
                Act::Attendance => {
                    let present = scenario.present_at(due - from);
                    for number in sent_in..present {
                        talkers.extend(self.send_in(number, due, &mut script));
                    }
                    sent_in = sent_in.max(present);
                    self.stage.scene.send_if_modified(|scene| {
                        std::mem::replace(&mut scene.present, present) != present
                    });
                }
            }
        }
        sleep_until(from + scenario.duration()).await;
    }

    /// Somebody says something.
    fn remark(&self, due: Instant, talkers: &mut Vec<Talker>, chance: &mut fastrand::Rng) {
        let tally = &self.stage.tally;
        let there = self.there(talkers);
        if there == 0 {
            return tally.trouble("nobody is there who talks");
        }
        tally.count(|counts| counts.intended += 1);
        let at = chance.usize(..there);
        let text = Arc::clone(one_of(chance, &talkers[at].lines));
        match talkers[at].remarks.try_send(Remark { due, text }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                tally.trouble(format!("a visitor has {MAILBOX_MAX} messages left to say"));
            }
            Err(mpsc::error::TrySendError::Closed(_)) => drop(talkers.remove(at)),
        }
    }

    /// An operator takes over from the bot.
    fn take_over(&self, due: Instant, talkers: &mut [Talker], chance: &mut fastrand::Rng) {
        let (tally, scenario) = (&self.stage.tally, &self.plan.scenario);
        let there = self.there(talkers);
        let Some(takeovers) = scenario.takeovers.as_ref().filter(|_| there > 0) else { return };
        let mut at = chance.usize(..there);
        for _ in 1..DRAWS_MAX {
            if talkers[at].held_until <= due {
                break;
            }
            at = chance.usize(..there);
        }
        let talker = &mut talkers[at];
        talker.held_until = talker.held_until.max(due) + takeovers.held();
        tally.count(|counts| counts.takeovers += 1);
        let order = Order::TakeOver { number: talker.number, due };
        let observer = talker.observer.and_then(|observer| self.observers.get(observer));
        if observer.is_none_or(|observer| observer.try_send(order).is_err()) {
            tally.trouble("an operator takes no more orders");
        }
    }

    /// How many of those who talk are there now: the first ones.
    fn there(&self, talkers: &[Talker]) -> usize {
        let present = self.stage.scene.borrow().present;
        talkers.partition_point(|talker| talker.number < present)
    }

    /// Lets all who work there in, one after the other, spread over the nodes.
    async fn staff(&mut self) -> Result<(), RunError> {
        let Plan { scenario, tokens, .. } = self.plan;
        if let Some(observers) = &scenario.observers {
            let job = Job { window: observers.window(), ..Job::default() };
            self.observers = self.operators(observers.count, job).await?;
        }
        if let Some(stalls) = &scenario.stalls {
            let job = Job { stalls: true, ..Job::default() };
            self.stalling = self.operators(stalls.operators, job).await?;
        }
        if let Some(watchers) = &scenario.watchers {
            let turn = Duration::from_secs_f64(watchers.turn_seconds);
            let turn = (!turn.is_zero()).then_some(turn);
            let job = Job { window: Some(watchers.window()), turn, ..Job::default() };
            self.others = self.operators(watchers.count, job).await?;
        }
        if let Some(bots) = &scenario.bots {
            let token = tokens.bot.as_ref();
            let token = token.ok_or(RunError::NoToken("bots", "--bot-token"))?;
            for node in self.nodes(bots.count) {
                let (stage, again) = (Arc::clone(&self.stage), self.waits());
                let (bot, line) = Bot::arrive(stage, node, token.as_str().into(), again)
                    .await
                    .map_err(|why| RunError::NoStaff { who: "a bot", why })?;
                self.staff.spawn(bot.stay(line));
            }
        }
        Ok(())
    }

    async fn operators(
        &mut self,
        count: u32,
        job: Job,
    ) -> Result<Vec<mpsc::Sender<Order>>, RunError> {
        let tokens = &self.plan.tokens.operators;
        if tokens.is_empty() {
            return Err(RunError::NoToken("operators", "--operator-token"));
        }
        let mut orders = Vec::new();
        for (node, token) in self.nodes(count).into_iter().zip(tokens.iter().cycle()) {
            let (stage, again) = (Arc::clone(&self.stage), self.waits());
            let arrived = Observer::arrive(stage, node, token.as_str().into(), job.clone(), again);
            let (observer, line, order) =
                arrived.await.map_err(|why| RunError::NoStaff { who: "an operator", why })?;
            self.staff.spawn(observer.stay(line));
            orders.push(order);
        }
        Ok(orders)
    }

    /// A node for each of so many.
    fn nodes(&self, count: u32) -> Vec<usize> {
        (0..count as usize).map(|place| place % self.plan.target.endpoints.len()).collect()
    }

    fn waits(&self) -> Again {
        let of = CHANCE_OF_STAFF + (u64::from(self.stage.part) << 32) + self.staff.len() as u64;
        Again::new(chance(self.stage.scenario.seed, of))
    }

    /// Sends a visitor on their way; if they talk, tells whom to send what they are to say.
    fn send_in(&mut self, number: u32, due: Instant, script: &mut Script<'_>) -> Option<Talker> {
        let Plan { scenario, target, .. } = self.plan;
        let nodes = target.endpoints.len();
        // Those who talk are spread evenly, and so are those who do not; in each process from another
        // node on.
        let place = scenario.talkers_before(number);
        let first = self.stage.part as usize;
        let (talker, part) = if scenario.talks(number) {
            let (remarks, to_say) = mpsc::channel(MAILBOX_MAX);
            let language = Person::draw(scenario.seed, self.stage.person(number)).language;
            let (nth, place) = (place as usize, place as usize + first);
            let observer = observer_of(place, nodes, self.observers.len());
            let observing = observer.map(|number| self.observers[number].clone());
            // Those who stall are to have as much to read as they may.
            let others = if nth < OBSERVED_MAX as usize { &self.stalling[..] } else { &[] };
            let observers = observing.into_iter().chain(others.iter().cloned()).collect();
            let is_observed = observer.is_some();
            let remarks_to_say = Some(to_say);
            let part = Part {
                number,
                node: place % nodes,
                due,
                remarks: remarks_to_say,
                observers,
                is_observed,
            };
            let lines = script.lines(language);
            (Some(Talker { number, remarks, lines, observer, held_until: due }), part)
        } else {
            let node = ((number - place) as usize + first) % nodes;
            let (remarks, observers, is_observed) = (None, Vec::new(), false);
            (None, Part { number, node, due, remarks, observers, is_observed })
        };
        self.visitors.spawn(visit(Arc::clone(&self.stage), part));
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

    /// Lets operators end what they have begun, everybody finish, and then everybody go.
    async fn finish(&mut self) {
        let Self { stage, visitors, staff, .. } = self;
        stage.to(Step::Settling);
        let rest = async {
            while stage.at_work() > 0 {
                stage.done_working.notified().await;
            }
        };
        if timeout(FINISH_MAX, rest).await.is_err() {
            stage.tally.trouble("operators do not come to an end");
        }
        stage.to(Step::Finishing);
        all_gone(visitors, &stage.tally, FINISH_MAX).await;
        stage.to(Step::Leaving);
        for people in [visitors, staff] {
            if !all_gone(people, &stage.tally, 2 * FAREWELL).await {
                people.shutdown().await;
            }
        }
    }

    async fn mark(&mut self) {
        self.marks.push(Mark::now(&[std::process::id()], &self.plan.processes).await);
    }
}

/// Waits until they have left; whether they have.
async fn all_gone(people: &mut JoinSet<()>, tally: &Tally, most: Duration) -> bool {
    let gone = async {
        while let Some(gone) = people.join_next().await {
            if gone.is_err() {
                tally.trouble("somebody's task failed");
                tally.count(|counts| counts.lost += 1);
            }
        }
    };
    timeout(most, gone).await.is_ok()
}

/// Which operator observes the one who talks at this place, if there are any: in turn one of those
/// on another node, if there are.
fn observer_of(place: usize, nodes: usize, observers: usize) -> Option<usize> {
    let elsewhere = |observer: &usize| observer % nodes != place % nodes;
    let of_other_nodes: Vec<_> = (0..observers).filter(elsewhere).collect();
    match of_other_nodes.len() {
        0 => (observers > 0).then(|| place % observers),
        count => Some(of_other_nodes[(place / nodes) % count]),
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
        let chat = self.chat;
        let lines = || {
            chat.into_iter().flat_map(|chat| {
                chat.lines_for(language).iter().map(|line| Arc::from(chat.said(line)))
            })
        };
        let shared = || lines().collect();
        Arc::clone(self.lines.entry(language).or_insert_with(shared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_talks_is_observed_from_another_node_and_operators_have_as_much_to_do() {
        for (nodes, observers) in [(1, 6), (3, 6), (3, 3), (2, 6)] {
            let mut work = vec![0; observers];
            for place in 0..36 {
                let observer = observer_of(place, nodes, observers).unwrap();
                assert!(nodes == 1 || observer % nodes != place % nodes, "{place} of {nodes}");
                work[observer] += 1;
            }
            assert_eq!(work, vec![36 / observers; observers], "{nodes} nodes");
        }
    }

    #[test]
    fn without_operators_elsewhere_those_of_the_same_node_observe() {
        assert_eq!(observer_of(0, 3, 1), Some(0));
        assert_eq!(observer_of(1, 3, 1), Some(0));
        assert_eq!(observer_of(1, 3, 0), None);
    }
}
