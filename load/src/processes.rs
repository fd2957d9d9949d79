//! One run in several processes of this program, where one may not open as many sockets as it takes,
//! or one core is not enough. Each takes its share of the scenario; the first process starts them,
//! has them begin together, and adds up what they tell.
//!
//! They talk in lines: the others tell on standard output how far they are, and are told on standard
//! input to go on and to stop. One whose standard input ends stops, so that none is left alone.

use std::io::{BufRead, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::interval;

use crate::probe::{Mark, Samples, sample};
use crate::progress::{self, Progress};
use crate::report::{Ended, Report};
use crate::run::{Outcome, Plan, RunError, carry_out};
use crate::stage::{Stage, Step};
use crate::tally::{Sums, Told};

/// The most processes.
pub const PROCESSES_MAX: u32 = 64;

/// What a process tells that is not read yet.
const WORDS_MAX: usize = 64;

/// What one of the others is told.
const GO: &str = "go";
const STOP: &str = "stop";

/// What one of the others tells, on a line of its own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Progress(Box<Progress>),
    /// All of its visitors are there.
    There,
    /// Its day is over.
    Over,
    Outcome(Ended, Box<Told>),
    Refused(String),
}

/// Which of how many processes this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which, from 0.
    pub part: u32,
    /// Of how many.
    pub parts: u32,
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/');
        let numbers =
            numbers.and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
        match numbers {
            Some((part, parts)) if part < parts && parts <= PROCESSES_MAX => {
                Ok(Self { part, parts })
            }
            _ => Err("write PART/PARTS, such as 0/2".into()),
        }
    }
}

/// Takes part in a run, as the process that started this one says. `plan` is of this part alone.
///
/// # Errors
/// Standard output cannot be written.
pub async fn take_part(plan: &Plan, Part { part, parts }: Part) -> std::io::Result<()> {
    let stage = Arc::new(Stage::new(plan.scenario.clone(), plan.target.clone(), part, parts));
    let (go, going) = oneshot::channel();
    let (stop, mut stopped) = watch::channel(false);
    listen(go, stop);
    let mut scene = stage.scene.subscribe();
    let tell = async {
        let mut ticks = interval(progress::EVERY);
        let mut is_over = false;
        loop {
            let said = tokio::select! {
                _ = ticks.tick() => say(&Word::Progress(Box::new(Progress::of(&stage)))),
                _ = scene.wait_for(|scene| scene.step > Step::Staying), if !is_over => {
                    is_over = true;
                    say(&Word::Over)
                }
            };
            if said.is_err() {
                // Nobody listens any more; standard input tells the same.
                std::future::pending::<()>().await;
            }
        }
    };
    let together = async || {
        if say(&Word::There).is_ok() {
            let _ = going.await;
        }
    };
    let stop = {
        let mut stopped = stopped.clone();
        async move { drop(stopped.wait_for(|stop| *stop).await) }
    };
    let outcome = tokio::select! {
        outcome = carry_out(plan, &stage, stop, together) => outcome,
        () = tell => return Ok(()),
    };
    say(&match outcome {
        Ok(Outcome { ended, sums, .. }) => Word::Outcome(ended, Box::new(Told::from(&sums))),
        Err(problem) => Word::Refused(problem.to_string()),
    })?;
    // What this process has cost can be seen for as long as it is there.
    let _ = stopped.wait_for(|stop| *stop).await;
    Ok(())
}

/// Reads standard input in a thread of its own, which does not keep the program from ending.
fn listen(go: oneshot::Sender<()>, stop: watch::Sender<bool>) {
    std::thread::spawn(move || {
        let mut go = Some(go);
        for line in std::io::stdin().lock().lines() {
            match line.as_deref() {
                Ok(GO) => drop(go.take().map(|go| go.send(()))),
                _ => break,
            }
        }
        let _ = stop.send(true);
    });
}

fn say(word: &Word) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// Carries a scenario out in so many processes of this program, each started with `arguments` and
/// what its part is, until it has ended or `stop` resolves.
///
/// # Errors
/// One of them cannot be started, has nothing to report, or fails.
pub async fn spread(
    plan: Plan,
    parts: u32,
    arguments: Vec<std::ffi::OsString>,
    stop: impl Future<Output = ()>,
) -> Result<Report, RunError> {
    let (words, mut heard) = mpsc::channel(WORDS_MAX);
    let mut others = Others { inputs: Vec::new(), processes: Vec::new() };
    let mut own = vec![std::process::id()];
    for part in 0..parts {
        let child =
            others.start(part, parts, &arguments, words.clone()).map_err(RunError::Process)?;
        own.extend(child);
    }
    drop(words);
    let samples = Mutex::new(Samples::default());
    let progress: Mutex<Vec<Option<Progress>>> = Mutex::new(vec![None; parts as usize]);
    let all = || {
        let told = progress.lock().unwrap_or_else(PoisonError::into_inner);
        let told = told.iter().map(|told| told.clone().unwrap_or_else(Progress::none));
        told.reduce(|sum, other| sum.and(&other)).unwrap_or_else(Progress::none)
    };
    let mut marks = vec![Mark::now(&own, &plan.processes).await];
    let mut told = Gathered::new(parts);
    let gather = async {
        tokio::pin!(stop);
        let mut is_stopped = false;
        loop {
            let (part, word) = tokio::select! {
                heard = heard.recv() => match heard {
                    Some(heard) => heard,
                    None => return told.finished(),
                },
                () = &mut stop, if !is_stopped => {
                    is_stopped = true;
                    others.tell(STOP).await;
                    continue;
                }
            };
            match word {
                Some(Word::Progress(said)) => {
                    progress.lock().unwrap_or_else(PoisonError::into_inner)[part] = Some(*said);
                }
                Some(Word::There) => told.come_to(part, Place::There),
                Some(Word::Over) => told.come_to(part, Place::Over),
                Some(Word::Outcome(ended, sums)) => {
                    told.come_to(part, Place::Done);
                    told.outcomes[part] = Some((ended, *sums));
                }
                Some(Word::Refused(why)) => return Err(RunError::Process(why)),
                None if told.outcomes[part].is_none() => {
                    return Err(RunError::Process(format!(
                        "process {part} has ended before its time"
                    )));
                }
                None => {}
            }
            let place = told.all_at();
            if marks.len() == 1 && place >= Place::There {
                marks.push(Mark::now(&own, &plan.processes).await);
                others.tell(GO).await;
            }
            if marks.len() == 2 && place >= Place::Over {
                marks.push(Mark::now(&own, &plan.processes).await);
            }
            if place == Place::Done {
                marks.push(Mark::now(&own, &plan.processes).await);
                return told.finished();
            }
        }
    };
    let gathered = tokio::select! {
        gathered = gather => gathered,
        () = sample(&own, &plan.processes, &samples) => unreachable_end(),
        never = progress::show(&plan.scenario, &all) => match never {},
    };
    let (ended, sums) = gathered?;
    others.wait().await;
    let samples = samples.into_inner().unwrap_or_else(PoisonError::into_inner).marks;
    Ok(Report::new(&plan, Outcome { ended, sums, marks, samples }))
}

/// Samples are taken until the other side of the race has ended.
fn unreachable_end<T>() -> Result<T, RunError> {
    Err(RunError::Process("the clock has come to its end".into()))
}

/// How far one of the others has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Begun,
    There,
    Over,
    Done,
}

/// What the others have told.
struct Gathered {
    places: Vec<Place>,
    outcomes: Vec<Option<(Ended, Told)>>,
}

impl Gathered {
    fn new(parts: u32) -> Self {
        let outcomes = (0..parts).map(|_| None).collect();
        Self { places: vec![Place::Begun; parts as usize], outcomes }
    }

    fn come_to(&mut self, part: usize, place: Place) {
        self.places[part] = self.places[part].max(place);
    }

    /// How far those have come who are behind.
    fn all_at(&self) -> Place {
        self.places.iter().copied().min().unwrap_or(Place::Done)
    }

    fn finished(&mut self) -> Result<(Ended, Sums), RunError> {
        let mut sums = Sums::default();
        let mut all = Ended::Done;
        for outcome in std::mem::take(&mut self.outcomes) {
            let none = || RunError::Process("a process has told nothing".into());
            let (ended, told) = outcome.ok_or_else(none)?;
            sums.add(told);
            all = match (all, ended) {
                (Ended::Done, ended) | (ended, Ended::Done) => ended,
                (Ended::Stopped, _) | (_, Ended::Stopped) => Ended::Stopped,
                (Ended::TurnedAway, Ended::TurnedAway) => Ended::TurnedAway,
            };
        }
        Ok((all, sums))
    }
}

/// The other processes. Let go, they are told to stop by the end of their standard input.
struct Others {
    inputs: Vec<ChildStdin>,
    processes: Vec<Child>,
}

impl Others {
    /// Starts one; its id.
    fn start(
        &mut self,
        part: u32,
        parts: u32,
        arguments: &[std::ffi::OsString],
        words: mpsc::Sender<(usize, Option<Word>)>,
    ) -> Result<Option<u32>, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.args(arguments).arg("--part").arg(format!("{part}/{parts}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        self.inputs.extend(child.stdin.take());
        let id = child.id();
        if let Some(output) = child.stdout.take() {
            tokio::spawn(async move {
                let mut lines = BufReader::new(output).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let word = serde_json::from_str(&line).unwrap_or_else(|error| {
                        Word::Refused(format!("process {part} says what cannot be read: {error}"))
                    });
                    if words.send((part as usize, Some(word))).await.is_err() {
                        return;
                    }
                }
                let _ = words.send((part as usize, None)).await;
            });
        }
        self.processes.push(child);
        Ok(id)
    }

    async fn tell(&mut self, what: &str) {
        for input in &mut self.inputs {
            // One that has ended needs to be told nothing.
            let _ = input.write_all(format!("{what}\n").as_bytes()).await;
            let _ = input.flush().await;
        }
    }

    async fn wait(&mut self) {
        self.inputs.clear();
        for process in &mut self.processes {
            let _ = process.wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Tally;

    fn told() -> Told {
        let tally = Tally::new();
        tally.count(|counts| counts.seen += 3);
        Told::from(&tally.snapshot())
    }

    #[test]
    fn what_all_tell_is_added_up_and_one_that_was_stopped_stopped_all() {
        let mut gathered = Gathered::new(2);
        gathered.outcomes = vec![Some((Ended::Done, told())), Some((Ended::Stopped, told()))];
        let (ended, sums) = gathered.finished().unwrap();
        assert_eq!((ended, sums.counts.seen), (Ended::Stopped, 6));
    }

    #[test]
    fn one_that_tells_nothing_leaves_nothing_to_report() {
        let mut gathered = Gathered::new(2);
        gathered.outcomes[0] = Some((Ended::Done, told()));
        assert!(gathered.finished().is_err());
    }

    #[test]
    fn a_part_is_one_of_those_that_there_are() {
        assert_eq!("1/3".parse(), Ok(Part { part: 1, parts: 3 }));
        for wrong in ["3/3", "1", "a/b", "0/65", "-1/2"] {
            assert!(wrong.parse::<Part>().is_err(), "{wrong}");
        }
    }
}
