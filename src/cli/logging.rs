//! What the engine says of itself, on stderr: stdout belongs to results.

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::config::{Tracing, TracingFormat};

/// Installs the subscriber of this process; one that is there already stays.
pub(super) fn install(config: &Tracing) {
    use std::io::IsTerminal;

    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        TracingFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        TracingFormat::Json => lines.json().boxed(),
    };
    let _ = registry().with(lines.with_filter(config.level.clone())).try_init();
}
