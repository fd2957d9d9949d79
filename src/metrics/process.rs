//! Memory, processor time and open files of this process, under the names that all programs have
//! them. Where the system does not tell (Linux does), they are absent.

use prometheus_client::registry::Registry;

#[cfg(target_os = "linux")]
mod linux;

/// Adds what is known now.
pub(super) fn register(registry: &mut Registry) {
    #[cfg(target_os = "linux")]
    linux::register(registry);
    #[cfg(not(target_os = "linux"))]
    let _ = registry;
}
