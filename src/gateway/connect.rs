//! Who a client is: the first request of every connection.
//!
//! Visitors name a site and come from one of its pages; operators and bots show a token that the
//! site has signed. Everything that is later said of the client is said by the server from here.

use std::sync::Arc;

use actix::prelude::*;
use uuid::Uuid;
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::id::{SessionId, VisitorId};
use vigie_protocol::method::{Connect, Connected, Identity, Refresh, Refreshed};
use vigie_protocol::{LINE_BYTES_MAX, PROTOCOL_VERSION};

use crate::actors::node::{Node, SiteHandle};
use crate::actors::operator::Online;
use crate::actors::session::{Arrive, Arrived};
use crate::core::decide::check_data;
use crate::gateway::connection::{Client, Connection, Peer};
use crate::gateway::outbox::{Outbox, Reply};
use crate::gateway::presence::{Of, Presence};
use crate::identity::{self, IdentityError, Verified, Who};

/// How often an arrival is tried again when it meets an actor that is about to end, or a session
/// that was closed meanwhile.
const ARRIVALS_MAX: u32 = 5;

impl Connection {
    pub(super) fn connect(&mut self, connect: Connect, reply: Reply, context: &mut Context<Self>) {
        let peer = match std::mem::replace(&mut self.client, Client::Connecting) {
            Client::Stranger(peer) => *peer,
            known => {
                self.client = known;
                let problem = "this connection is connected already";
                return reply.refuse(RpcError::new(ErrorCode::AlreadyConnected, problem));
            }
        };
        let welcome = welcome(Arc::clone(&self.node), Arc::clone(&self.outbox), peer, connect);
        context.spawn(welcome.into_actor(self).map(move |welcomed, this, _| match welcomed {
            Ok((client, connected)) => {
                this.let_in(client);
                reply.send(&Ok(connected));
            }
            Err(error) => this.refuse_connect(error, reply),
        }));
    }

    /// Whoever cannot be let in is told why, and let go.
    pub(super) fn refuse_connect(&mut self, error: RpcError, reply: Reply) {
        let code = match error.code {
            _ if !error.retry => CloseCode::Refused,
            ErrorCode::Draining => CloseCode::GoingAway,
            ErrorCode::Busy => CloseCode::Busy,
            _ => CloseCode::Internal,
        };
        reply.refuse(error);
        if matches!(self.client, Client::Stranger(_) | Client::Connecting) {
            self.outbox.close(code);
        }
    }

    pub(super) fn refresh(&mut self, refresh: &Refresh, reply: Reply) {
        let refreshed = self.refreshed(&refresh.token);
        reply.send(&refreshed);
    }

    fn refreshed(&mut self, token: &str) -> Result<Refreshed, RpcError> {
        let unlike = || {
            let problem = "the token is not for the site, role and id that this connection is for";
            RpcError::new(ErrorCode::Unauthorized, problem)
        };
        let now = self.node.now();
        let expires = match &mut self.client {
            Client::Operator { site, operator, .. } => {
                let verified = identity::verify(&site.site, token, now).map_err(refused)?;
                let Who::Operator(fresh) = verified.who else { return Err(unlike()) };
                if fresh.id != operator.id {
                    return Err(unlike());
                }
                let online = Online { connection: self.outbox.id(), operator: fresh.clone() };
                self.node.operator(site, &fresh.id).do_send(online);
                **operator = fresh;
                verified.expires
            }
            Client::Bot { site, id, name, .. } => {
                let verified = identity::verify(&site.site, token, now).map_err(refused)?;
                match verified.who {
                    Who::Bot { id: fresh, name: new_name } if *fresh == **id => {
                        *name = new_name.into();
                    }
                    _ => return Err(unlike()),
                }
                verified.expires
            }
            Client::Visitor { .. } => {
                let problem = "only operators and bots have tokens to refresh";
                return Err(RpcError::new(ErrorCode::Forbidden, problem));
            }
            Client::Stranger(_) | Client::Connecting => return Err(not_connected()),
        };
        self.outbox.set_expires(expires);
        Ok(Refreshed { expires })
    }
}

async fn welcome(
    node: Arc<Node>,
    outbox: Arc<Outbox>,
    peer: Peer,
    connect: Connect,
) -> Result<(Client, Connected), RpcError> {
    if connect.protocol != PROTOCOL_VERSION {
        let problem = format!("this server speaks protocol {PROTOCOL_VERSION}");
        return Err(RpcError::new(ErrorCode::UnsupportedVersion, problem)
            .with_data(serde_json::json!({ "supported": [PROTOCOL_VERSION] })));
    }
    check_lines(&connect)?;
    let (client, identity) = match (connect.token.as_deref(), connect.site.as_deref()) {
        (Some(token), None) => by_token(&node, &outbox, token).await?,
        (None, Some(key)) => visitor(&node, &outbox, peer, key, &connect).await?,
        _ => return Err(invalid("connect takes either a token or a site's public key")),
    };
    let connected = Connected {
        protocol: PROTOCOL_VERSION,
        // None is defined yet; what the server does not know is not in force.
        features: vec![],
        server: concat!("vigie/", env!("CARGO_PKG_VERSION")).to_owned(),
        time: node.now(),
        heartbeat: node.config.gateway.heartbeat.as_millis() as u64,
        generation: node.cluster.as_ref().map(|cluster| cluster.generation()),
        identity,
    };
    Ok((client, connected))
}

async fn by_token(
    node: &Arc<Node>,
    outbox: &Arc<Outbox>,
    token: &str,
) -> Result<(Client, Identity), RpcError> {
    let site = identity::peek_site(token).map_err(refused)?;
    let site = node.site(&site).await?.ok_or_else(|| {
        RpcError::new(ErrorCode::Unauthorized, "the token is for a site that is not served here")
    })?;
    let Verified { who, expires, .. } =
        identity::verify(&site.site, token, node.now()).map_err(refused)?;
    outbox.set_expires(expires);
    let id = site.site.id.clone();
    match who {
        Who::Operator(operator) => {
            let of = Of::Operator(operator.id.clone());
            let presence = Presence::new(node, &site, outbox.id(), of);
            if let Some(share) = &site.share {
                share.watch().await;
            }
            let online = Online { connection: outbox.id(), operator: operator.clone() };
            // The others see the operator before the operator hears of being in.
            let entered = node.operator(&site, &operator.id).send(online).await;
            entered.map_err(|_| RpcError::new(ErrorCode::Busy, "try again"))?;
            let identity = Identity::Operator {
                site: id,
                id: operator.id.clone(),
                name: operator.name.clone(),
                rank: operator.rank,
                expires,
            };
            let operator = Box::new(operator);
            Ok((Client::Operator { site, operator, _presence: presence }, identity))
        }
        Who::Bot { id: bot, name } => {
            let client = Client::Bot {
                id: bot.as_str().into(),
                name: name.as_str().into(),
                _presence: Presence::new(node, &site, outbox.id(), Of::Bot),
                site,
            };
            Ok((client, Identity::Bot { site: id, id: bot, name, expires }))
        }
        Who::Visitor(_) => {
            let problem = "a visitor's token goes into `resume`, beside `site`";
            Err(RpcError::new(ErrorCode::Unauthorized, problem))
        }
    }
}

async fn visitor(
    node: &Arc<Node>,
    outbox: &Arc<Outbox>,
    peer: Peer,
    key: &str,
    connect: &Connect,
) -> Result<(Client, Identity), RpcError> {
    let site = node.site_by_key(key).await?;
    let site =
        site.ok_or_else(|| RpcError::new(ErrorCode::UnknownSite, "no site has this public key"))?;
    check_origin(&site, peer.origin.as_deref())?;
    let known = match &connect.resume {
        None => None,
        Some(token) => {
            match identity::verify(&site.site, token, node.now()).map_err(refused)?.who {
                Who::Visitor(visitor) => Some(visitor),
                _ => {
                    let problem = "`resume` takes a visitor's token; others go into `token`";
                    return Err(RpcError::new(ErrorCode::Unauthorized, problem));
                }
            }
        }
    };
    let visitor = known.unwrap_or_else(|| VisitorId::from(Uuid::new_v4()));
    let context = node.visitors.context(
        peer.address,
        peer.user_agent.as_deref().or(connect.device.as_deref()),
        connect.language.clone().or(peer.language),
        connect.referrer.clone(),
        connect.page.clone(),
    );
    let (mut ordinal, mut new) = match known {
        None => (1, true),
        Some(visitor) => current_session(node, &site, visitor).await?,
    };
    for _ in 0..ARRIVALS_MAX {
        let session = SessionId::nth(visitor, ordinal);
        let arrive = Arrive {
            site: Arc::clone(&site),
            outbox: Arc::clone(outbox),
            visitor,
            ordinal,
            new,
            context: context.clone(),
            data: connect.data.clone(),
        };
        let presence = Presence::new(node, &site, outbox.id(), Of::Visitor(session));
        match arrive_at(node, session, arrive).await {
            Ok(Arrived { offset, control }) => {
                let identity = Identity::Visitor {
                    site: site.site.id.clone(),
                    visitor,
                    session,
                    resume: identity::resume_token(&site.site, visitor, node.now()),
                    offset,
                    control,
                };
                return Ok((Client::Visitor { site, session, _presence: presence }, identity));
            }
            Err(error) if error.code == ErrorCode::SessionClosed => {
                (ordinal, new) = (ordinal + 1, false)
            }
            Err(error) if error.code == ErrorCode::Busy => new = false,
            Err(error) => return Err(error),
        }
    }
    Err(RpcError::new(ErrorCode::Busy, "the session could not be opened; try again"))
}

async fn arrive_at(
    node: &Arc<Node>,
    session: SessionId,
    arrive: Arrive,
) -> Result<Arrived, RpcError> {
    let busy = || RpcError::new(ErrorCode::Busy, "the session could not be opened; try again");
    node.session(session).send(arrive).await.unwrap_or_else(|_| Err(busy()))
}

/// The number of the visitor's open session, or of their next one; and whether it is sure to be new.
async fn current_session(
    node: &Arc<Node>,
    site: &Arc<SiteHandle>,
    visitor: VisitorId,
) -> Result<(u32, bool), RpcError> {
    let latest = node.log.sessions_of(site.site.id.clone(), visitor, None, 1).await?.pop();
    match latest {
        Some(record) if record.closed.is_none() => Ok((record.ordinal, false)),
        closed => {
            // Read after the latest: what is removed in between is counted all the same.
            let removed = node.log.removed(site.site.id.clone(), visitor).await?;
            Ok((closed.map_or(0, |record| record.ordinal).max(removed) + 1, true))
        }
    }
}

/// Browsers say from which origin a page connects, and pages cannot lie about it.
fn check_origin(site: &SiteHandle, origin: Option<&str>) -> Result<(), RpcError> {
    let allowed = match origin {
        None => site.site.native_clients,
        Some(origin) => site.site.origins.iter().any(|o| o.eq_ignore_ascii_case(origin)),
    };
    if allowed {
        return Ok(());
    }
    let problem = match origin {
        Some(origin) => format!("{origin:.200?} is not one of the site's allowed origins"),
        None => "this site takes visitors from its web pages only".to_owned(),
    };
    Err(RpcError::new(ErrorCode::OriginRefused, problem))
}

fn check_lines(connect: &Connect) -> Result<(), RpcError> {
    let page = connect.page.as_ref();
    let lines = [
        ("agent", connect.agent.as_deref()),
        ("referrer", connect.referrer.as_deref()),
        ("language", connect.language.as_deref()),
        ("device", connect.device.as_deref()),
        ("page.url", page.map(|page| page.url.as_str())),
        ("page.title", page.and_then(|page| page.title.as_deref())),
    ];
    for (name, line) in lines {
        if line.is_some_and(|line| line.len() > LINE_BYTES_MAX) {
            return Err(invalid(&format!("{name} is longer than {LINE_BYTES_MAX} bytes")));
        }
    }
    if page.is_some_and(|page| page.url.trim().is_empty()) {
        return Err(invalid("page.url is empty; leave `page` out if it is not known"));
    }
    connect.data.as_ref().map_or(Ok(()), check_data)?;
    Ok(())
}

pub(super) fn not_connected() -> RpcError {
    RpcError::new(ErrorCode::NotConnected, "the first request must be `connect`")
}

fn invalid(problem: &str) -> RpcError {
    RpcError::new(ErrorCode::InvalidParams, problem)
}

fn refused(error: IdentityError) -> RpcError {
    let code = match error {
        IdentityError::Expired => ErrorCode::TokenExpired,
        IdentityError::Invalid(_) => ErrorCode::Unauthorized,
    };
    RpcError::new(code, error.to_string())
}
