//! What all actors of this process share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use actix::{Actor, Addr, ArbiterHandle};
use vigie_protocol::card::Card;
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SessionId, SiteId};

use crate::actors::noticeboard::{Board, Entry, Roster};
use crate::actors::operator::OperatorActor;
use crate::actors::registry::Registry;
use crate::actors::session::SessionActor;
use crate::actors::share::{Boards, Share};
use crate::actors::site::SiteActor;
use crate::bots::{Bot, BotDesk};
use crate::cluster::message::{Person, Who};
use crate::cluster::{Cluster, NodeId};
use crate::config::Config;
use crate::core::site::{Site, SiteSettings};
use crate::gateway::outbox::{ConnectionId, Outbox};
use crate::log::Log;
use crate::metrics::metrics;
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
    /// The other nodes; `None`: this one is alone.
    pub cluster: Option<Arc<Cluster>>,
    /// Countries and devices.
    pub visitors: VisitorData,
    /// The sessions with somebody in them.
    pub sessions: Registry<SessionId, SessionActor>,
    sites: Mutex<HashMap<SiteId, Arc<SiteHandle>>>,
    /// Where site and operator actors live, apart from the sockets.
    desk: ArbiterHandle,
    draining: AtomicBool,
    /// Whether this node does not hear the others, or cannot store.
    degraded: AtomicBool,
    /// How often all clients were told to begin anew.
    resyncs: AtomicU64,
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
    /// What other nodes have of the site; `None`: this one is alone.
    pub share: Option<Share>,
    me: NodeId,
}

impl SiteHandle {
    /// Shows a session's card in the live list, or takes it off.
    pub fn show(&self, session: SessionId, card: Option<Arc<Card>>) {
        match &self.share {
            Some(share) => share.show(&self.board, session, card),
            None => self.board.put(session, card),
        }
    }

    /// Enters an operator of this node, or strikes them off.
    pub fn enter(&self, operator: &OperatorId, entry: Option<Entry>) {
        if let Some(share) = &self.share {
            let person =
                entry.clone().map(|Entry { card, declared }| Person::Operator { card, declared });
            share.enter(Who::Operator(operator.clone()), person);
        }
        match entry {
            Some(entry) => self.roster.put(self.me, entry),
            None => self.roster.remove(self.me, operator),
        }
    }

    /// A bot's connection to this node serves from now on. Returns the sessions that wait for one.
    pub fn serve(&self, outbox: Arc<Outbox>) -> Vec<SessionId> {
        if let Some(share) = &self.share {
            share.enter(Who::Bot(outbox.id()), Some(Person::Bot {}));
        }
        self.bots.join(Bot { id: (self.me, outbox.id()), outbox: Some(outbox) })
    }

    /// A bot's connection is gone. Returns the sessions whose turns it had.
    pub fn serve_no_more(&self, connection: ConnectionId) -> Vec<SessionId> {
        if let Some(share) = &self.share {
            share.enter(Who::Bot(connection), None);
        }
        self.bots.leave((self.me, connection))
    }

    /// Where what other nodes tell is left.
    pub fn boards(&self) -> Boards<'_> {
        Boards { board: &self.board, roster: &self.roster, bots: &self.bots }
    }
}

impl Node {
    /// A node before its first connection. `desk` is the thread of site and operator actors.
    pub fn new(
        config: Config,
        log: Arc<dyn Log>,
        store: Arc<dyn Store>,
        cluster: Option<Arc<Cluster>>,
        visitors: VisitorData,
        desk: ArbiterHandle,
    ) -> Arc<Self> {
        Arc::new(Self {
            config,
            log,
            store,
            cluster,
            visitors,
            sessions: Registry::default(),
            sites: Mutex::default(),
            desk,
            draining: AtomicBool::new(false),
            degraded: AtomicBool::new(false),
            resyncs: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            next_connection: AtomicU64::new(1),
        })
    }

    /// The server's clock.
    pub fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_millis() as Millis
    }

    /// Which node this is.
    pub fn me(&self) -> NodeId {
        self.cluster.as_ref().map_or(NodeId(0), |cluster| cluster.me())
    }

    /// Whether the silence of other nodes can be believed.
    pub fn hears_others(&self) -> bool {
        self.cluster.as_ref().is_none_or(|cluster| cluster.hears())
    }

    /// Whether what is shown may be behind, and what is sent refused.
    pub fn degraded(&self) -> bool {
        self.degraded.load(Ordering::Acquire)
    }

    /// Finds out whether it is so.
    pub fn look_at_health(&self) {
        let degraded = !self.hears_others() || self.log.health().is_err();
        if self.degraded.swap(degraded, Ordering::AcqRel) != degraded {
            tracing::warn!(degraded, "the cluster");
        }
    }

    /// Has all clients begin anew.
    pub fn resync(&self) {
        self.resyncs.fetch_add(1, Ordering::AcqRel);
    }

    /// How often that was so.
    pub fn resyncs(&self) -> u64 {
        self.resyncs.load(Ordering::Acquire)
    }

    /// Opens every site that there is, so that its people at other nodes are known before somebody
    /// comes.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_all_sites(&self) -> Result<(), StoreError> {
        for site in self.store.sites().await? {
            self.open(site);
        }
        Ok(())
    }

    /// The sites that somebody is at.
    pub fn open_sites(&self) -> Vec<Arc<SiteHandle>> {
        self.sites().values().cloned().collect()
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
        if admitted.is_err() {
            metrics().connections.turn_away();
        }
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
        let id = site.id.clone();
        let handle = Arc::new(SiteHandle {
            settings: Arc::new(site.settings.clone()),
            site,
            actor,
            board,
            roster,
            bots: BotDesk::default(),
            operators: Registry::default(),
            share: self.cluster.clone().map(|cluster| Share::new(cluster, id, interval)),
            me: self.me(),
        });
        if let Some(share) = &handle.share {
            share.greet();
        }
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
