//! An operator's account, as the store keeps it: who may sign in, and where they then may work.

use std::fmt;

use serde::{Deserialize, Serialize};
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SiteId};
use vigie_protocol::method::Rank;

use crate::accounts::SecretHash;

/// Somebody who may sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The operator that they are, at every site of theirs.
    pub id: OperatorId,
    /// What they sign in with; folded, one account's only.
    pub login: String,
    /// Their password's hash.
    pub password: String,
    /// Their display name where a site has no other.
    pub name: String,
    /// Whether they are admin of every site, also of later ones.
    pub owner: bool,
}

/// Somebody who has signed in on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Who.
    pub account: OperatorId,
    /// When they gave their password.
    pub started: Millis,
    /// When they have to give it again.
    pub expires: Millis,
}

/// Something that is good once, for whoever has its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// What for.
    pub grants: Grants,
    /// When it is good no longer.
    pub expires: Millis,
}

/// What an invitation is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Grants {
    /// The first account: it owns the engine.
    Owner {},
    /// A new account, of this site.
    Site {
        /// Which site.
        site: SiteId,
        /// What they may do there.
        rank: Rank,
    },
    /// A new password for an account.
    Password {
        /// Whose.
        account: OperatorId,
    },
}

/// What becomes of the owner's invitation when it is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstInvitation {
    /// It is kept.
    Kept,
    /// An earlier one can still be accepted, and stays instead.
    Earlier,
    /// There is an account, so nobody needs one.
    NotNeeded,
}

/// Somebody who takes up an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrant {
    /// The id of the account that is made.
    pub id: OperatorId,
    /// Its login; for a new password, the one that it has.
    pub login: String,
    /// The password's hash.
    pub password: String,
    /// The display name of an account that is made.
    pub name: String,
    /// Names the sign-in.
    pub secret: SecretHash,
    /// When the sign-in expires.
    pub expires: Millis,
}

/// Shows everything but the password's hash.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("login", &self.login)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
