//! From the files in `/proc/self`.

use std::fs;

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

/// What a process has used so far.
#[derive(Debug, PartialEq)]
struct Used {
    processor_ticks: u64,
    /// In ticks since the system started.
    started_ticks: u64,
    threads: u64,
}

pub(super) fn register(registry: &mut Registry) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(bytes) = kib(&status, "VmRSS:") {
        let help = "Resident memory";
        registry.register_with_unit(
            "process_resident_memory",
            help,
            Unit::Bytes,
            ConstGauge::new(bytes),
        );
    }
    if let Some(bytes) = kib(&status, "VmSize:") {
        let help = "Virtual memory";
        registry.register_with_unit(
            "process_virtual_memory",
            help,
            Unit::Bytes,
            ConstGauge::new(bytes),
        );
    }
    register_used(registry);
    if let Some(files) = open_files() {
        registry.register("process_open_fds", "Open file descriptors", ConstGauge::new(files));
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(files) = open_files_max(&limits) {
        let help = "Open file descriptors that the process may have";
        registry.register("process_max_fds", help, ConstGauge::new(files));
    }
}

fn register_used(registry: &mut Registry) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let Some(used) = used(&stat) else { return };
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    registry.register_with_unit(
        "process_cpu",
        "Processor time used, of the user and the system together",
        Unit::Seconds,
        ConstCounter::new(used.processor_ticks as f64 / per_second),
    );
    registry.register("process_threads", "Threads", ConstGauge::new(used.threads));
    let system = fs::read_to_string("/proc/stat").unwrap_or_default();
    if let Some(booted) = number(&system, "btime") {
        registry.register_with_unit(
            "process_start_time",
            "When the process started, since 1970-01-01T00:00:00Z",
            Unit::Seconds,
            ConstGauge::new(booted as f64 + used.started_ticks as f64 / per_second),
        );
    }
}

fn used(stat: &str) -> Option<Used> {
    // The program's name stands in brackets and may hold anything, brackets too.
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<_> = after_name.split_whitespace().collect();
    let field = |nth: usize| fields.get(nth)?.parse::<u64>().ok();
    Some(Used {
        processor_ticks: field(11)? + field(12)?,
        threads: field(17)?,
        started_ticks: field(19)?,
    })
}

/// Newer kernels tell the number as the folder's size, so that nobody needs to count tens of
/// thousands of them.
fn open_files() -> Option<u64> {
    match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => {
            let listed = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
            // The one by which they are listed is closed again.
            Some(listed.saturating_sub(1))
        }
        told => Some(told),
    }
}

fn open_files_max(limits: &str) -> Option<u64> {
    number(limits, "Max open files")
}

fn kib(status: &str, name: &str) -> Option<u64> {
    number(status, name).map(|kib| kib * 1024)
}

/// The first number of the line that begins with a name.
fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_mislead() {
        let stat =
            "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 12 0 4711 1000 1 18446 1";
        let expected = Used { processor_ticks: 200, started_ticks: 4711, threads: 12 };
        assert_eq!(used(stat), Some(expected));
        assert_eq!(used("7 (a) S 1 7"), None);
    }

    #[test]
    fn limits_are_read_and_unlimited_is_not_a_number() {
        let line =
            |soft| format!("Max processes 1 2 processes\nMax open files {soft} 4096 files\n");
        assert_eq!(open_files_max(&line("1024")), Some(1024));
        assert_eq!(open_files_max(&line("unlimited")), None);
    }

    #[test]
    fn a_file_that_is_opened_is_counted() {
        let files: Vec<_> = (0..100).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        let open = open_files().unwrap();
        assert!(open >= 100, "{open}");
        drop(files);
    }
}
