//! What the engine and those beside it cost: read from the system if they are of this machine, or
//! asked from the engine's `/metrics`. Marks are taken between the steps of a run, samples all along.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::usage::Usage;

/// How long `/metrics` may take to answer; then that sample is missing.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The longest answer of `/metrics` that is read.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How often a sample is taken, until there are too many.
const EVERY: Duration = Duration::from_secs(1);

/// The most samples; beyond, every second one is let go, and they are taken half as often.
pub const SAMPLES_MAX: usize = 600;

/// A process of the engine, or one that works for it.
#[derive(Debug, Clone)]
pub struct Process {
    /// How the report calls it.
    pub name: String,
    /// Where to learn what it costs.
    pub source: Source,
    /// Whether it is an engine: those are summed up.
    pub engine: bool,
}

/// Where to learn what a process costs.
#[derive(Debug, Clone)]
pub enum Source {
    /// From the system, by its id.
    Pid(u32),
    /// From itself.
    Metrics(Metrics),
}

impl Process {
    /// What it has cost so far; `None` if that cannot be learned.
    pub async fn usage(&self) -> Option<Usage> {
        match &self.source {
            Source::Pid(pid) => Usage::of(*pid),
            Source::Metrics(metrics) => metrics.usage().await,
        }
    }
}

/// An address that tells in Prometheus' form what a process costs.
#[derive(Debug, Clone)]
pub struct Metrics {
    authority: String,
    path: String,
    /// The most that its resident memory was when it was asked.
    peak: Arc<AtomicU64>,
}

impl FromStr for Metrics {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address such as http://127.0.0.1:8080/metrics");
        let rest = text.strip_prefix("http://").ok_or_else(wrong)?;
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, format!("/{path}")),
            None => (rest, "/metrics".to_owned()),
        };
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if authority.is_empty()
            || authority.contains('@')
            || !is_plain(authority)
            || !is_plain(&path)
        {
            return Err(wrong());
        }
        let has_port =
            authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        Ok(Self { authority, path, peak: Arc::default() })
    }
}

impl Metrics {
    /// That it is of this machine.
    ///
    /// # Errors
    /// It is another machine's, or none.
    pub async fn is_here(&self) -> Result<(), String> {
        let found = lookup_host(&self.authority).await;
        let found =
            found.map_err(|error| format!("{} stands for no address: {error}", self.authority))?;
        let foreign = |address: &SocketAddr| !address.ip().to_canonical().is_loopback();
        match found.into_iter().find(foreign) {
            Some(address) => Err(format!(
                "{} is {address}, which is not this machine; if it may be asked, say so with --anywhere",
                self.authority
            )),
            None => Ok(()),
        }
    }

    /// All that it tells, as it comes; `None` if it does not answer in time.
    pub async fn told(&self) -> Option<String> {
        timeout(ANSWER_WITHIN, self.ask()).await.ok()?.ok()
    }

    async fn usage(&self) -> Option<Usage> {
        let mut usage = read(&self.told().await?)?;
        let peak = self.peak.fetch_max(usage.resident, Ordering::Relaxed);
        usage.resident_peak = peak.max(usage.resident);
        Some(usage)
    }

    async fn ask(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.authority).await?;
        let Self { authority, path, .. } = self;
        // HTTP/1.0, so that the answer is not chunked and ends with the stream.
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: {authority}\r\nAccept: text/plain\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// What an answer of `/metrics` says.
fn read(answer: &str) -> Option<Usage> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if head.split_whitespace().nth(1)? != "200" {
        return None;
    }
    let value = |name: &str| {
        let line = body.lines().find_map(|line| {
            let rest = line.strip_prefix(name)?;
            // A longer name begins in the same way; labels may follow.
            rest.starts_with([' ', '{', '\t']).then_some(rest)
        })?;
        let value = line.rsplit_once('}').map_or(line, |(_, value)| value);
        let value: f64 = value.split_whitespace().next()?.parse().ok()?;
        (value.is_finite() && value >= 0.0).then_some(value)
    };
    let resident = value("process_resident_memory_bytes")? as u64;
    let processor = Duration::try_from_secs_f64(value("process_cpu_seconds_total")?).ok()?;
    Some(Usage { resident, resident_peak: resident, processor })
}

/// A moment, and what all have cost until then.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) at: Instant,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) unix: u64,
    pub(crate) own: Option<Usage>,
    /// As many as there are processes.
    pub(crate) processes: Vec<Option<Usage>>,
}

impl Mark {
    /// Now. `own` are this program's processes.
    pub(crate) async fn now(own: &[u32], of: &[Process]) -> Self {
        let mut processes = Vec::with_capacity(of.len());
        for process in of {
            processes.push(process.usage().await);
        }
        let own = own.iter().map(|pid| Usage::of(*pid));
        let own = own.reduce(|sum, usage| Some(sum?.and(usage?))).flatten();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix = u64::try_from(unix.as_millis()).unwrap_or(u64::MAX);
        Self { at: Instant::now(), unix, own, processes }
    }
}

/// Marks all along a run.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    pub(crate) marks: Vec<Mark>,
    /// Of how many ticks one is taken.
    every: u32,
}

impl Samples {
    pub(crate) fn add(&mut self, mark: Mark) {
        self.marks.push(mark);
        if self.marks.len() > SAMPLES_MAX {
            let mut keep = false;
            self.marks.retain(|_| {
                keep = !keep;
                keep
            });
            self.every = self.every.max(1) * 2;
        }
    }

    const fn is_due(&self, tick: u32) -> bool {
        self.every < 2 || tick.is_multiple_of(self.every)
    }
}

/// Takes samples for as long as it is awaited.
pub(crate) async fn sample(own: &[u32], of: &[Process], samples: &std::sync::Mutex<Samples>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let lock = || samples.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for tick in 0u32.. {
        ticks.tick().await;
        if lock().is_due(tick) {
            let mark = Mark::now(own, of).await;
            lock().add(mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\n\
        # HELP process_cpu_seconds_total Time\n\
        process_cpu_seconds_total 12.5\n\
        process_resident_memory_bytes_limit 1\n\
        process_resident_memory_bytes{node=\"a} b\"} 4.2e7 1700000000000\n";

    #[test]
    fn memory_and_processor_time_are_read() {
        let usage = read(ANSWER).unwrap();
        assert_eq!((usage.resident, usage.processor), (42_000_000, Duration::from_millis(12_500)));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for wrong in [
            "",
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nprocess_cpu_seconds_total 1\n",
            &ANSWER.replace("200 OK", "404 Not Found"),
            &ANSWER.replace("12.5", "NaN"),
            &ANSWER.replace("12.5", "-1"),
            &ANSWER.replace("12.5", "1e300"),
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn only_addresses_of_this_machine_are_asked_unless_meant() {
        let metrics = |text: &str| text.parse::<Metrics>();
        assert!(metrics("http://127.0.0.1:8080/metrics").unwrap().is_here().await.is_ok());
        assert_eq!(metrics("http://127.0.0.1:8080").unwrap().path, "/metrics");
        let foreign = metrics("http://192.0.2.1:80/metrics").unwrap().is_here().await;
        assert!(foreign.unwrap_err().contains("--anywhere"));
        for wrong in ["127.0.0.1:80", "https://127.0.0.1/", "http://", "http://a b/", "http://a@b/"]
        {
            assert!(metrics(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn samples_of_a_long_run_become_fewer_and_stay_even() {
        let mut samples = Samples::default();
        for second in 0..20_000u64 {
            if samples.is_due(u32::try_from(second).unwrap()) {
                let (own, processes) = (None, vec![]);
                samples.add(Mark { at: Instant::now(), unix: second, own, processes });
            }
        }
        assert!((SAMPLES_MAX / 3..=SAMPLES_MAX).contains(&samples.marks.len()));
        let gaps: Vec<_> = samples.marks.windows(2).map(|two| two[1].unix - two[0].unix).collect();
        assert!(gaps.iter().all(|gap| *gap == gaps[0]), "{gaps:?}");
    }
}
