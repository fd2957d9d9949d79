//! Messages that are kept: committed, acknowledged and delivered to one operator, as many as can be
//! with so many under way; and beside it what the disk takes of the same rows without an engine.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::enter;
use crate::peer::Running;
use crate::said::{self, Number};
use crate::seat::Seat;
use crate::tongue::{Heard, Part};

/// How many visitors speak at most: an operator follows no more sessions on one connection.
const SPEAKERS_MAX: u32 = 256;

/// How long messages may take to come after the last was said.
const LATE_MAX: Duration = Duration::from_secs(10);

/// For how long messages flow before they count.
const WARM_UP: Duration = Duration::from_millis(500);

/// Measures how many messages each second are acknowledged while so many are under way: each is said
/// as soon as one before it is acknowledged, so no batch of the log can be greater than that.
///
/// # Errors
/// Somebody is not let in, or a message is lost, doubled or out of order.
pub async fn durable(peer: &Running, under_way: u32, seconds: f64) -> Result<f64, String> {
    let count = under_way.min(SPEAKERS_MAX);
    let speakers = enter(peer, (0..count).map(Part::Speaker)).await?;
    let sessions = speakers.iter().map(Seat::room).collect();
    let mut operator = enter(peer, [Part::Watcher(0, sessions)]).await?;
    let operator = operator.pop().ok_or("nobody watches")?;
    peer.quiet().await?;

    let (stop, stopped) = watch::channel(false);
    let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
    let mut people = JoinSet::new();
    for (number, seat) in speakers.into_iter().enumerate() {
        let course = Course { first: number as Number, step: count, depth: under_way / count };
        people.spawn(course.run(seat, acknowledge.clone(), stopped.clone()));
    }
    drop(acknowledge);
    let (tell, mut told) = watch::channel(0);
    let mut watching = JoinSet::new();
    watching.spawn(operate(operator, count, tell));

    sleep(WARM_UP).await;
    let before = taken(&mut acknowledged);
    let start = Instant::now();
    sleep(Duration::from_secs_f64(seconds)).await;
    let within = taken(&mut acknowledged);
    let took = start.elapsed();
    stop.send_replace(true);
    while let Some(ended) = people.join_next().await {
        ended.map_err(|error| error.to_string())??;
    }
    let total = before + within + taken(&mut acknowledged);
    let all_told = timeout(LATE_MAX, told.wait_for(|seen| *seen >= total));
    tokio::select! {
        all_told = all_told => drop(all_told),
        Some(ended) = watching.join_next() => ended.map_err(|error| error.to_string())??,
    }
    let seen = *told.borrow();
    if seen != total {
        return Err(format!("{total} messages were acknowledged, and the operator saw {seen}"));
    }
    Ok(within as f64 / took.as_secs_f64())
}

fn taken(acknowledged: &mut mpsc::UnboundedReceiver<()>) -> u64 {
    let mut count = 0;
    while acknowledged.try_recv().is_ok() {
        count += 1;
    }
    count
}

/// What one visitor says, one after the other with so many under way.
struct Course {
    first: Number,
    step: Number,
    depth: Number,
}

impl Course {
    async fn run(
        self,
        mut seat: Seat,
        acknowledge: mpsc::UnboundedSender<()>,
        stopped: watch::Receiver<bool>,
    ) -> Result<(), String> {
        let mut numbers = (0..).map(|turn| self.first + turn * self.step);
        let mut under_way = 0;
        loop {
            if !*stopped.borrow() {
                let next: Vec<Number> =
                    numbers.by_ref().take((self.depth - under_way) as usize).collect();
                seat.say(&next).await?;
                under_way = self.depth;
            }
            if under_way == 0 {
                return Ok(());
            }
            for heard in seat.listen().await? {
                if let Heard::Acknowledged(_) = heard {
                    under_way -= 1;
                    // Nobody counts any more when all is over.
                    let _ = acknowledge.send(());
                }
            }
        }
    }
}

/// Sees all that is said: of each visitor each message once, in order.
async fn operate(mut seat: Seat, speakers: Number, tell: watch::Sender<u64>) -> Result<(), String> {
    let mut expected: Vec<Number> = (0..speakers).collect();
    loop {
        let heard = seat.listen().await?;
        let mut seen = 0;
        for heard in heard {
            let Heard::Delivered(number) = heard else { continue };
            let expected = &mut expected[(number % speakers) as usize];
            if number != *expected {
                return Err(format!("message {number} came where {expected} was due"));
            }
            *expected += speakers;
            seen += 1;
        }
        tell.send_modify(|all| *all += seen);
    }
}

/// Rows each second without an engine: `into` is `sqlite` or `fdatasync`.
///
/// # Errors
/// The program is missing, or fails.
pub fn bare(
    program: &Path,
    disk: &Path,
    into: &str,
    batch: u32,
    seconds: f64,
) -> Result<f64, String> {
    #[derive(Deserialize)]
    struct Inserted {
        rows: u64,
        seconds: f64,
    }
    if !program.exists() {
        return Err("not built: cargo build --release -p vigie-load-peers".to_owned());
    }
    let mut command = Command::new(program);
    command.arg(into).args(["--batch", &batch.to_string(), "--seconds", &seconds.to_string()]);
    command.args(["--text", &said::text(0)]).arg("--directory").arg(disk);
    let ran = command.output().map_err(|error| error.to_string())?;
    let inserted: Inserted = serde_json::from_slice(&ran.stdout)
        .map_err(|_| String::from_utf8_lossy(&ran.stderr).into_owned())?;
    if inserted.rows == 0 {
        return Err("no row was inserted".to_owned());
    }
    Ok(inserted.rows as f64 / inserted.seconds)
}
