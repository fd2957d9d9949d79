//! What all actors of this process share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use actix::{Actor, Addr, ArbiterHandle};
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SessionId, SiteId};

use crate::actors::noticeboard::{Board, Roster};
use crate::actors::operator::OperatorActor;
use crate::actors::registry::Registry;
use crate::actors::session::SessionActor;
use crate::actors::site::SiteActor;
use crate::bots::BotDesk;
use crate::config::Config;
use crate::core::site::{Site, SiteSettings};
use crate::log::Log;
use crate::store::{Store, StoreError};
use crate::visitor::VisitorData;

/// What all actors of this process share.
pub struct Node {
    /// How the engine is set up.
    pub config: Config,
    /// Where sessions live.
    pub log: Arc<dyn Log>,
    /// Sites, operators, knowledge.
    pub store: Arc<dyn Store>,
    /// Countries and devices.
    pub visitors: VisitorData,
    /// The sessions with somebody in them.
    pub sessions: Registry<SessionId, SessionActor>,
    sites: Mutex<HashMap<SiteId, Arc<SiteHandle>>>,
    /// Where site and operator actors live, apart from the sockets.
    desk: ArbiterHandle,
    draining: AtomicBool,
    connections: AtomicUsize,
    next_connection: AtomicU64,
}

/// A site as its actors know it.
pub struct SiteHandle {
    /// As the store has it.
    pub site: Site,
    /// Its settings, shared by its sessions.
    pub settings: Arc<SiteSettings>,
    /// Its live list.
    pub actor: Addr<SiteActor>,
    /// Cards that the live list has not seen yet.
    pub board: Arc<Board>,
    /// Its operators' presence.
    pub roster: Arc<Roster>,
    /// Who serves as its bot.
    pub bots: BotDesk,
    /// Its operators' actors.
    pub operators: Registry<OperatorId, OperatorActor>,
}

impl Node {
    /// A node before its first connection. `desk` is the thread of site and operator actors.
    pub fn new(
        config: Config,
        log: Arc<dyn Log>,
        store: Arc<dyn Store>,
        visitors: VisitorData,
        desk: ArbiterHandle,
    ) -> Arc<Self> {
        Arc::new(Self {
            config,
            log,
            store,
            visitors,
            sessions: Registry::default(),
            sites: Mutex::default(),
            desk,
            draining: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            next_connection: AtomicU64::new(1),
        })
    }

    /// The server's clock.
    pub fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_millis() as Millis
    }

    /// The site with this public key.
    ///
    /// # Errors
    /// The store's.
    pub async fn site_by_key(&self, key: &str) -> Result<Option<Arc<SiteHandle>>, StoreError> {
        let known = self.sites().values().find(|handle| handle.site.key == key).cloned();
        match known {
            Some(handle) => Ok(Some(handle)),
            None => Ok(self.store.site_by_key(key.to_owned()).await?.map(|site| self.open(site))),
        }
    }

    /// The site with this id.
    ///
    /// # Errors
    /// The store's.
    pub async fn site(&self, id: &SiteId) -> Result<Option<Arc<SiteHandle>>, StoreError> {
        let known = self.sites().get(id).cloned();
        match known {
            Some(handle) => Ok(Some(handle)),
            None => Ok(self.store.site(id.clone()).await?.map(|site| self.open(site))),
        }
    }

    /// The actor of a session, started on this thread if it does not run.
    pub fn session(self: &Arc<Self>, id: SessionId) -> Addr<SessionActor> {
        self.sessions.get_or_start(id, |id| SessionActor::new(Arc::clone(self), *id).start())
    }

    /// The actor of a site's operator.
    pub fn operator(
        self: &Arc<Self>,
        site: &Arc<SiteHandle>,
        id: &OperatorId,
    ) -> Addr<OperatorActor> {
        site.operators.get_or_start(id.clone(), |id| {
            let (node, site, id) = (Arc::clone(self), Arc::clone(site), id.clone());
            OperatorActor::start_in_arbiter(&self.desk, |_| OperatorActor::new(node, site, id))
        })
    }

    /// Counts a connection in, unless there are as many as the node takes.
    pub fn admit(self: &Arc<Self>) -> Option<Admission> {
        let connections_max = self.config.gateway.connections_max;
        let admitted = self.connections.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
            (n < connections_max).then_some(n + 1)
        });
        admitted.ok().map(|_| Admission {
            node: Arc::clone(self),
            id: self.next_connection.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// Takes no new work; connections end as their requests are answered.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the node is shutting down.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    fn open(&self, site: Site) -> Arc<SiteHandle> {
        let mut sites = self.sites();
        if let Some(handle) = sites.get(&site.id) {
            return Arc::clone(handle);
        }
        let board = Arc::new(Board::default());
        let roster = Arc::new(Roster::default());
        let interval = self.config.live_list.flush_interval;
        let for_actor = Arc::clone(&board);
        let actor =
            SiteActor::start_in_arbiter(&self.desk, move |_| SiteActor::new(for_actor, interval));
        board.attach(actor.clone());
        let handle = Arc::new(SiteHandle {
            settings: Arc::new(site.settings.clone()),
            site,
            actor,
            board,
            roster,
            bots: BotDesk::default(),
            operators: Registry::default(),
        });
        sites.insert(handle.site.id.clone(), Arc::clone(&handle));
        handle
    }

    fn sites(&self) -> std::sync::MutexGuard<'_, HashMap<SiteId, Arc<SiteHandle>>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the node's connections; given back when dropped.
pub struct Admission {
    node: Arc<Node>,
    /// Names the connection.
    pub id: u64,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.node.connections.fetch_sub(1, Ordering::AcqRel);
    }
}
