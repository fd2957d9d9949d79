//! Messages at a fixed rate, each to all who watch its room: what a delivery costs, and how long it
//! takes from the moment at which its message was due.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::enter;
use crate::beat::Beat;
use crate::peer::Running;
use crate::said::Number;
use crate::seat::Seat;
use crate::tongue::{Heard, Part};

/// How long the last messages may take after they were due.
const LATE_MAX: Duration = Duration::from_secs(10);

/// For how long messages flow before they count.
const WARM_UP: Duration = Duration::from_millis(500);

/// How far ahead of its first message a beat is set.
const HEAD_START: Duration = Duration::from_millis(50);

/// Latencies are kept in microseconds, up to a minute.
const LATENCY_MAX: u64 = 60_000_000;

/// How much is to be relayed.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Rooms, with one speaker each.
    pub rooms: u32,
    /// Who watches each of them.
    pub watchers: u32,
    /// Messages each second, all rooms together.
    pub rate: f64,
    pub seconds: f64,
}

/// What came of it.
pub struct Relayed {
    pub deliveries: u64,
    /// Processor time of the peer, in microseconds for each delivery.
    pub processor: f64,
    /// From when a message was due until each watcher had it, in microseconds.
    pub latency: Histogram<u64>,
}

/// What all who watch share.
struct Tally {
    state: Mutex<State>,
    /// The last one has come.
    complete: Notify,
}

struct State {
    beat: Beat,
    rooms: u32,
    delivered: u64,
    wanted: u64,
    latency: Histogram<u64>,
    trouble: Option<String>,
}

/// Measures it.
///
/// # Errors
/// Somebody is not let in, or a message is missing, doubled or out of order.
pub async fn relay(peer: &Running, load: Load) -> Result<Relayed, String> {
    let speakers = enter(peer, (0..load.rooms).map(Part::Speaker)).await?;
    let rooms: Vec<String> = speakers.iter().map(Seat::room).collect();
    let watching = |number: u32| {
        let room = (number / load.watchers) as usize;
        Part::Watcher(number, vec![rooms[room].clone()])
    };
    let watchers = enter(peer, (0..load.rooms * load.watchers).map(watching)).await?;

    let every = Duration::from_secs_f64(1.0 / load.rate);
    let beat = |first: Number, seconds: f64| Beat {
        start: Instant::now() + HEAD_START,
        every,
        first,
        count: ((seconds * load.rate) as Number).max(load.rooms),
    };
    let warm_up = beat(0, WARM_UP.as_secs_f64());
    let tally = Arc::new(Tally::new(warm_up, load.rooms));
    let mut people = JoinSet::new();
    let total = warm_up.count + beat(0, load.seconds).count;
    let mut queues = Vec::new();
    for seat in speakers {
        let (queue, due) = mpsc::channel(total as usize);
        queues.push(queue);
        let tally = Arc::clone(&tally);
        people.spawn(async move { tally.watch_over(speak(seat, due).await) });
    }
    for (number, seat) in watchers.into_iter().enumerate() {
        let room = number as u32 / load.watchers;
        let tally = Arc::clone(&tally);
        people.spawn(async move { tally.watch_over(watch(seat, room, &tally).await) });
    }
    peer.quiet().await?;

    tally.play(warm_up, load, &queues).await?;
    let main = beat(warm_up.count, load.seconds);
    let before = peer.processor()?;
    tally.play(main, load, &queues).await?;
    let processor = peer.processor()?.saturating_sub(before);
    // One that came twice may come now.
    peer.quiet().await?;
    people.shutdown().await;
    let state = tally.lock();
    if let Some(trouble) = &state.trouble {
        return Err(trouble.clone());
    }
    Ok(Relayed {
        deliveries: state.delivered,
        processor: 1e6 * processor.as_secs_f64() / state.delivered as f64,
        latency: state.latency.clone(),
    })
}

/// Says what is due, and listens to what the peer tells those who speak.
async fn speak(mut seat: Seat, mut due: mpsc::Receiver<Number>) -> Result<(), String> {
    /// How many are said in one go at most.
    const AT_ONCE_MAX: usize = 64;
    let mut numbers = Vec::new();
    loop {
        tokio::select! {
            taken = due.recv_many(&mut numbers, AT_ONCE_MAX) => {
                if taken == 0 {
                    return Ok(());
                }
                seat.say(&numbers).await?;
                numbers.clear();
            }
            heard = seat.listen() => drop(heard?),
        }
    }
}

/// Watches a room: its messages must come each once, in order.
async fn watch(mut seat: Seat, room: Number, tally: &Tally) -> Result<(), String> {
    let mut expected = room;
    loop {
        for heard in seat.listen().await? {
            if let Heard::Delivered(number) = heard {
                expected = tally.delivered(number, expected)?;
            }
        }
    }
}

impl Tally {
    fn new(beat: Beat, rooms: u32) -> Self {
        let latency =
            Histogram::new_with_bounds(1, LATENCY_MAX, 3).expect("the bounds are in order");
        let state = State { beat, rooms, delivered: 0, wanted: 0, latency, trouble: None };
        Self { state: Mutex::new(state), complete: Notify::new() }
    }

    /// Has a beat played, and waits until everybody has all of it.
    async fn play(
        &self,
        beat: Beat,
        load: Load,
        queues: &[mpsc::Sender<Number>],
    ) -> Result<(), String> {
        {
            let mut state = self.lock();
            state.beat = beat;
            state.delivered = 0;
            state.wanted = u64::from(beat.count) * u64::from(load.watchers);
            state.latency.reset();
        }
        let playing = beat.play(queues.to_vec());
        let length = beat.due(beat.first + beat.count).saturating_duration_since(Instant::now());
        let complete = async {
            while !self.is_settled() {
                self.complete.notified().await;
            }
        };
        let in_time = timeout(length + LATE_MAX, complete).await.is_ok();
        if playing.join().is_err() {
            return Err("the beat was lost".to_owned());
        }
        let state = self.lock();
        match &state.trouble {
            Some(trouble) => Err(trouble.clone()),
            None if !in_time => {
                Err(format!("{} of {} deliveries came", state.delivered, state.wanted))
            }
            None => Ok(()),
        }
    }

    /// Notes a delivery; tells which one that watcher is to have next.
    fn delivered(&self, number: Number, expected: Number) -> Result<Number, String> {
        if number != expected {
            return Err(format!("message {number} came where {expected} was due"));
        }
        let now = Instant::now();
        let mut state = self.lock();
        let late = now.saturating_duration_since(state.beat.due(number));
        state.latency.saturating_record(late.as_micros().try_into().unwrap_or(u64::MAX));
        state.delivered += 1;
        if state.delivered == state.wanted {
            self.complete.notify_one();
        }
        Ok(number + state.rooms)
    }

    fn watch_over(&self, ended: Result<(), String>) {
        if let Err(trouble) = ended {
            self.lock().trouble.get_or_insert(trouble);
            self.complete.notify_one();
        }
    }

    fn is_settled(&self) -> bool {
        let state = self.lock();
        state.delivered == state.wanted || state.trouble.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
