//! The names of all keys and channels.
//!
//! What a script touches together must be in one slot of a Redis Cluster, so sessions are dealt into
//! buckets, and all keys and channels of a bucket share a hash tag.

use std::sync::Arc;

use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use crate::core::cluster::NodeId;

/// How many buckets there are: one for each last byte of a session's id.
pub const BUCKETS: usize = 256;

/// Names that begin with `redis.prefix`.
#[derive(Debug, Clone)]
pub struct Names {
    prefix: Arc<str>,
}

/// The bucket of a session; also its lane.
pub fn bucket(session: SessionId) -> u8 {
    last_byte(session.uuid().as_bytes())
}

fn last_byte(bytes: &[u8; 16]) -> u8 {
    bytes[bytes.len() - 1]
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// What the names of all keys of a bucket begin with.
    pub fn bucket(&self, bucket: u8) -> String {
        format!("{}:{{{bucket}}}:", self.prefix)
    }

    /// What is known of a session, a hash: `h` head, `site`, `visitor`, `ordinal`, `started`, `t`
    /// time of the last event, and `closed` once it is. Once it was removed: `removed`, `site`,
    /// `visitor` and `ordinal`.
    pub fn session(&self, session: SessionId) -> String {
        format!("{}:{{{}}}:s:{session}", self.prefix, bucket(session))
    }

    /// A session's events, a stream: at `<offset>-0` the fields `e` event and `a` id of the append
    /// that it came with.
    pub fn events(&self, session: SessionId) -> String {
        format!("{}:{{{}}}:l:{session}", self.prefix, bucket(session))
    }

    /// Which nodes attend a session, a hash: of each `since:visitor:number`, and at `#` the highest
    /// `since` that was given.
    pub fn attendance(&self, session: SessionId) -> String {
        format!("{}:{{{}}}:n:{session}", self.prefix, bucket(session))
    }

    /// A bucket's open sessions by the time of their last event, a sorted set.
    pub fn open(&self, bucket: u8) -> String {
        format!("{}:{{{bucket}}}:open", self.prefix)
    }

    /// A bucket's closed sessions by the time of their closing, a sorted set.
    pub fn closed(&self, bucket: u8) -> String {
        format!("{}:{{{bucket}}}:closed", self.prefix)
    }

    /// Which sessions of a bucket a node attends, a set.
    pub fn attended(&self, bucket: u8, node: NodeId) -> String {
        format!("{}:{{{bucket}}}:of:{node}", self.prefix)
    }

    /// The number of the latest leave that a node has made in a bucket.
    pub fn left(&self, bucket: u8, node: NodeId) -> String {
        format!("{}:{{{bucket}}}:left:{node}", self.prefix)
    }

    /// A node's inbox for the sessions of a bucket, a channel.
    pub fn inbox(&self, bucket: u8, node: NodeId) -> String {
        format!("{}{node}", self.inboxes(bucket))
    }

    /// What the names of all inboxes of a bucket begin with; the node follows.
    pub fn inboxes(&self, bucket: u8) -> String {
        format!("{}:{{{bucket}}}:@", self.prefix)
    }

    /// A key in which a probe of a bucket writes.
    pub fn probe(&self, bucket: u8) -> String {
        format!("{}:{{{bucket}}}:probe", self.prefix)
    }

    /// A visitor's sessions on a site by their ordinals, a sorted set; also the highest ordinal that
    /// was removed, under the name `removed`.
    pub fn visitor(&self, site: &SiteId, visitor: VisitorId) -> String {
        let byte = visitor_lane(visitor);
        format!("{}:{{v{byte}}}:v:{site}:{visitor}", self.prefix)
    }

    /// How each node has counted its last beat, a hash; or `gone:` since when it has departed, or
    /// `dead:` since when it is buried, in seconds of the server's clock.
    pub fn beats(&self) -> String {
        format!("{}:{{nodes}}:beats", self.prefix)
    }

    /// The log's generation, a number.
    pub fn generation(&self) -> String {
        format!("{}:{{nodes}}:generation", self.prefix)
    }

    /// A name of the store's, which are all in one slot.
    pub fn store(&self, rest: &str) -> String {
        format!("{}:{{store}}:{rest}", self.prefix)
    }
}

/// The lane on which a visitor's sessions are looked up.
pub fn visitor_lane(visitor: VisitorId) -> u8 {
    last_byte(visitor.uuid().as_bytes())
}

#[cfg(test)]
mod tests {
    use redis::cluster_routing::Slot;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn all_of_a_session_is_in_one_slot() {
        let names = Names::new("vigie");
        let session = SessionId::from(Uuid::from_u128(0xfe));
        let node = NodeId(7);
        assert_eq!(names.session(session), "vigie:{254}:s:00000000-0000-0000-0000-0000000000fe");
        assert_eq!(names.inbox(254, node), "vigie:{254}:@0000000000000007");
        let slot = Slot::for_key(names.session(session));
        for name in [
            names.events(session),
            names.attendance(session),
            names.open(254),
            names.closed(254),
            names.attended(254, node),
            names.left(254, node),
            names.inbox(254, node),
            names.probe(254),
        ] {
            assert_eq!(Slot::for_key(&name), slot, "{name}");
        }
    }
}
