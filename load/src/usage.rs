//! What a process costs: memory and processor time, as the system tells them (Linux).

use std::fs;
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

/// What a process has cost so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Resident memory now, in bytes.
    pub resident: u64,
    /// The most that it ever was.
    pub resident_peak: u64,
    /// Processor time since its start, over all threads.
    pub processor: Duration,
}

impl Usage {
    /// Of this process.
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Of this and another process together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            resident: self.resident + other.resident,
            resident_peak: self.resident_peak + other.resident_peak,
            processor: self.processor + other.processor,
        }
    }

    /// Of a process of this machine; `None` if there is none, or if the system does not tell.
    pub fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(Self {
            resident: bytes(&status, "VmRSS:")?,
            resident_peak: bytes(&status, "VmHWM:")?,
            processor: processor(&stat)?,
        })
    }
}

/// How long the processors of this machine have worked so far, all together and whatever for; 0 if
/// the system does not tell.
pub fn machine_busy() -> Duration {
    fs::read_to_string("/proc/stat").ok().and_then(|stat| busy(&stat)).unwrap_or_default()
}

fn busy(stat: &str) -> Option<Duration> {
    let times = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let times: Vec<u64> = times.split_whitespace().map_while(|time| time.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; what follows is within user and nice.
    let [user, nice, system, _, _, irq, softirq, steal] = *times.first_chunk()?;
    Some(Duration::from_secs(user + nice + system + irq + softirq + steal) / ticks_per_second()?)
}

fn ticks_per_second() -> Option<u32> {
    u32::try_from(sysconf(SysconfVar::CLK_TCK).ok()??).ok()
}

fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

fn processor(stat: &str) -> Option<Duration> {
    // The program's name stands in brackets and may hold anything, brackets too.
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_secs(ticks) / ticks_per_second()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_uses_processor_time() {
        let before = Usage::own().unwrap();
        let mut work = 0u64;
        while Usage::own().unwrap().processor == before.processor {
            work = std::hint::black_box(work.wrapping_mul(31).wrapping_add(7));
        }
        let after = Usage::own().unwrap();
        assert!(after.resident > 0 && after.resident_peak >= after.resident);
    }

    #[test]
    fn a_name_with_brackets_does_not_mislead() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 5 1 1";
        let per_second = sysconf(SysconfVar::CLK_TCK).unwrap().unwrap();
        let expected = Duration::from_secs(200) / u32::try_from(per_second).unwrap();
        assert_eq!(processor(stat), Some(expected));
    }

    #[test]
    fn the_machine_works_at_all_but_waiting() {
        let stat = "cpu  1 2 4 1000 1000 8 16 32 64 128\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy(stat), Some(Duration::from_secs(63) / ticks_per_second().unwrap()));
        assert!(machine_busy() >= Usage::own().unwrap().processor);
    }

    #[test]
    fn a_process_that_is_not_there_has_no_usage() {
        assert_eq!(Usage::of(u32::MAX), None);
    }
}
