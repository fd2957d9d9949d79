//! The thread that drives the connections. An engine has many runtimes, one for each thread that
//! serves sockets, and a connection must not die with the one that happened to need it first.

use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::RedisFault;

/// Ends when it is dropped, and with it all that was spawned on it.
pub(super) struct IoThread {
    handle: Handle,
    /// Held so that dropping it tells the thread.
    _end: oneshot::Sender<()>,
}

impl IoThread {
    pub(super) fn start() -> Result<Self, RedisFault> {
        let failed = |error: std::io::Error| RedisFault::Failed(error.to_string());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let work = move || {
            // Nothing is ever sent: it ends when the other end is dropped.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        thread::Builder::new().name("redis".into()).spawn(work).map_err(failed)?;
        Ok(Self { handle, _end: end })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}
