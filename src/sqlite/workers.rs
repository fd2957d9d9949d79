//! Threads that may wait for a disk, and the bounded queue between them and those who may not.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::Fault;

/// What a request is answered with, some time.
pub(crate) type Answer<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'static>>;

/// Work that needs a connection.
pub(crate) type Job = Box<dyn FnOnce(&mut Link) + Send>;

/// Threads that serve one bounded queue. Dropping them lets them finish what is queued, and waits.
pub(crate) struct Workers<R> {
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<R>>,
    threads: Vec<JoinHandle<()>>,
}

/// The threads' end of the queue.
pub(crate) struct Queue<R>(Arc<Mutex<mpsc::Receiver<R>>>);

/// A connection that is opened anew after it failed.
pub(crate) struct Link {
    connection: Option<Connection>,
    reopen: Box<dyn Fn() -> Result<Connection, Fault> + Send>,
}

impl<R: Send + 'static> Workers<R> {
    /// Starts a thread for each of `works`, with a queue of at most `requests_max`.
    pub(crate) fn start<W>(
        name: &str,
        requests_max: usize,
        works: impl IntoIterator<Item = W>,
    ) -> Result<Self, Fault>
    where
        W: FnOnce(Queue<R>) + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(requests_max);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut workers = Self { queue: Some(sender), threads: Vec::new() };
        for work in works {
            let queue = Queue(Arc::clone(&receiver));
            let thread = thread::Builder::new().name(name.into()).spawn(move || work(queue));
            workers.threads.push(thread.map_err(|error| Fault::Failed(error.to_string()))?);
        }
        Ok(workers)
    }

    /// Queues a request at once, whether or not anybody then waits for its answer.
    pub(crate) fn ask<T, E>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, E>>) -> R,
    ) -> Answer<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let queued = self.tell(request(answer));
        Box::pin(async move {
            queued?;
            answered.await.unwrap_or_else(|_| Err(stopped().into()))
        })
    }

    /// Queues a request that has no answer.
    pub(crate) fn tell(&self, request: R) -> Result<(), Fault> {
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.try_send(request).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Fault::Busy,
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })
    }

    /// Whether any thread is still there to answer.
    pub(crate) fn alive(&self) -> Result<(), Fault> {
        let alive = self.queue.as_ref().is_some_and(|queue| !queue.is_closed());
        if alive { Ok(()) } else { Err(stopped()) }
    }
}

impl Workers<Job> {
    /// Threads that do whatever jobs come, each on a connection of its own.
    pub(crate) fn with_links(
        name: &str,
        jobs_max: usize,
        links: impl IntoIterator<Item = Link>,
    ) -> Result<Self, Fault> {
        let serve = |mut link: Link| {
            move |queue: Queue<Job>| {
                while let Some(job) = queue.next() {
                    job(&mut link);
                }
            }
        };
        Self::start(name, jobs_max, links.into_iter().map(serve))
    }

    /// Has a job done.
    pub(crate) fn run<T, E>(
        &self,
        job: impl FnOnce(&mut Link) -> Result<T, E> + Send + 'static,
    ) -> Answer<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        self.ask(|answer| {
            Box::new(move |link| {
                // Nobody may be waiting any more; the job was to be done all the same.
                let _ = answer.send(job(link));
            })
        })
    }
}

impl<R> Drop for Workers<R> {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on stderr, and has nothing left to finish.
            let _ = thread.join();
        }
    }
}

impl<R> Queue<R> {
    /// The next request, as soon as there is one; `None` when there will be no more.
    pub(crate) fn next(&self) -> Option<R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
    }

    /// All that waits, at least one and at most `limit`; `false` when there will be no more.
    pub(crate) fn next_batch(&self, batch: &mut Vec<R>, limit: usize) -> bool {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.blocking_recv_many(batch, limit) > 0
    }
}

impl Link {
    /// A connection, and how to open it anew.
    pub(crate) fn new(
        connection: Connection,
        reopen: impl Fn() -> Result<Connection, Fault> + Send + 'static,
    ) -> Self {
        Self { connection: Some(connection), reopen: Box::new(reopen) }
    }

    /// Works on the connection. After a failure that is neither a lack of room nor damage, its
    /// state is not to be trusted: it is closed, and opened anew for the next work.
    pub(crate) fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => closed.insert((self.reopen)()?),
        };
        work(connection).map_err(|error| {
            let fault = Fault::from(error);
            if matches!(fault, Fault::Failed(_)) {
                self.connection = None;
            }
            fault
        })
    }
}

fn stopped() -> Fault {
    Fault::Failed("its threads have stopped; start the engine again".into())
}
