//! What is configured rather than said: sites, operators and their accounts, knowledge.
//!
//! A narrow port beside the log, with the same backends. One contract, `tests/store_contract.rs`,
//! binds every backend.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SiteId};
use vigie_protocol::method::Rank;

use crate::accounts::SecretHash;
use crate::core::site::Site;

mod account;
pub mod redis;
pub mod sqlite;

pub use account::{Account, Entrant, FirstInvitation, Grants, Invitation, SignIn};

/// How many sign-ins of one account are good at once; the oldest ends for another.
pub const SIGN_INS_OF_ACCOUNT_MAX: u32 = 32;

/// How many invitations may be open at once.
pub const INVITATIONS_MAX: u32 = 1000;

/// What a store's methods return: they outlive the borrow of the store.
pub type StoreFuture<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'static>>;

/// Sites, operators and their accounts, knowledge.
pub trait Store: Send + Sync + 'static {
    /// Adds a site, or puts it in the place of the one with the same id.
    fn put_site(&self, site: Site) -> StoreFuture<()>;

    /// The site with this id.
    fn site(&self, id: SiteId) -> StoreFuture<Option<Site>>;

    /// The site with this public key.
    fn site_by_key(&self, key: String) -> StoreFuture<Option<Site>>;

    /// Every site, by id.
    fn sites(&self) -> StoreFuture<Vec<Site>>;

    /// Adds an operator to a site, or changes the one with the same id.
    fn put_operator(&self, site: SiteId, operator: OperatorRecord) -> StoreFuture<()>;

    /// A site's operators, by id.
    fn operators(&self, site: SiteId) -> StoreFuture<Vec<OperatorRecord>>;

    /// An operator's sites, by id, with who they are there.
    fn memberships(&self, operator: OperatorId) -> StoreFuture<Vec<(SiteId, OperatorRecord)>>;

    /// Changes an operator's display name at a site; whether they are of that site.
    fn rename_operator(&self, site: SiteId, id: OperatorId, name: String) -> StoreFuture<bool>;

    /// Takes an operator from a site; whether they were of that site.
    fn remove_operator(&self, site: SiteId, id: OperatorId) -> StoreFuture<bool>;

    /// Every account, by login.
    fn accounts(&self) -> StoreFuture<Vec<Account>>;

    /// The account with this id.
    fn account(&self, id: OperatorId) -> StoreFuture<Option<Account>>;

    /// The account with this login.
    fn account_by_login(&self, login: String) -> StoreFuture<Option<Account>>;

    /// Removes an account with its sign-ins, and the operator from every site; whether it was there.
    fn remove_account(&self, id: OperatorId) -> StoreFuture<bool>;

    /// Puts another password in the place of an account's; whether there is such an account. All its
    /// sign-ins end but `keep`, and so do its links to set a password.
    fn set_password(
        &self,
        id: OperatorId,
        password: String,
        keep: Option<SecretHash>,
    ) -> StoreFuture<bool>;

    /// Keeps a sign-in. Beyond [`SIGN_INS_OF_ACCOUNT_MAX`] of its account the oldest end, and expired
    /// ones are cleared away.
    fn put_sign_in(&self, secret: SecretHash, sign_in: SignIn) -> StoreFuture<()>;

    /// The sign-in with this secret, unless it has expired, and its account.
    fn sign_in(&self, secret: SecretHash, now: Millis) -> StoreFuture<Option<(SignIn, Account)>>;

    /// Puts the end of a sign-in off; one that has ended stays so.
    fn renew_sign_in(&self, secret: SecretHash, expires: Millis) -> StoreFuture<()>;

    /// Ends a sign-in.
    fn remove_sign_in(&self, secret: SecretHash) -> StoreFuture<()>;

    /// Keeps an invitation; expired ones are cleared away.
    ///
    /// # Errors
    /// [`StoreError::InvitationsFull`] at [`INVITATIONS_MAX`], [`StoreError::UnknownSite`].
    fn put_invitation(
        &self,
        code: SecretHash,
        invitation: Invitation,
        now: Millis,
    ) -> StoreFuture<()>;

    /// Keeps the owner's invitation in the place of an earlier one; whether it did: only while there
    /// is no account.
    fn put_first_invitation(&self, code: SecretHash, expires: Millis) -> StoreFuture<bool>;

    /// As [`Store::put_first_invitation`], but an earlier one that can still be accepted stays: of
    /// several engines on one store that start together, each would void the other's.
    fn offer_first_invitation(
        &self,
        code: SecretHash,
        expires: Millis,
        now: Millis,
    ) -> StoreFuture<FirstInvitation>;

    /// The invitation with this code, if it can be accepted.
    fn invitation(&self, code: SecretHash, now: Millis) -> StoreFuture<Option<Invitation>>;

    /// Takes up an invitation, all at once or not at all: it is used, the account is there (or has
    /// the new password) and is signed in. Of several who come at the same time, one gets it.
    ///
    /// # Errors
    /// [`StoreError::UnknownInvitation`] if it was used, has expired or never was;
    /// [`StoreError::LoginTaken`], and it can still be accepted.
    fn accept_invitation(
        &self,
        code: SecretHash,
        entrant: Entrant,
        now: Millis,
    ) -> StoreFuture<Account>;

    /// Puts these articles in the place of all of a site's articles.
    fn replace_articles(&self, site: SiteId, articles: Vec<Article>) -> StoreFuture<()>;

    /// The passages of a site's articles that match any of the words, best first (BM25). A word of
    /// four letters or more also matches the longer words that it begins. With a language, only
    /// articles in that language.
    fn search(
        &self,
        site: SiteId,
        words: Vec<String>,
        language: Option<String>,
        limit: u32,
    ) -> StoreFuture<Vec<Passage>>;
}

/// A site's operator, as the store keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRecord {
    /// The operator.
    pub id: OperatorId,
    /// The display name.
    pub name: String,
    /// What they may do.
    pub rank: Rank,
}

/// One article of a site's knowledge, cut into passages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Names the article within its site: `shipping.fr`.
    pub slug: String,
    /// BCP 47 primary tag: `fr`.
    pub language: String,
    /// Its title.
    pub title: String,
    /// Its passages, in order.
    pub sections: Vec<Section>,
}

/// One passage of an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its heading; the article's title for what stands before the first.
    pub heading: String,
    /// Its plain text.
    pub text: String,
}

/// A passage that matches a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The article's slug.
    pub slug: String,
    /// The article's language.
    pub language: String,
    /// The article's title.
    pub title: String,
    /// The passage's heading.
    pub heading: String,
    /// Its plain text.
    pub text: String,
    /// How well it matches: greater is better.
    pub score: f64,
}

/// Why a store does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The queue is at its bound.
    #[error("the store's queue is full; try again shortly")]
    Busy,
    /// Another site has this public key.
    #[error("another site has the same public key")]
    KeyTaken,
    /// No such site.
    #[error("there is no site {0:?}")]
    UnknownSite(SiteId),
    /// Another account has this login.
    #[error("another account has the same login")]
    LoginTaken,
    /// It was used, has expired, or never was.
    #[error("there is no such invitation")]
    UnknownInvitation,
    /// There are as many as may be open.
    #[error("too many invitations are open; let some be accepted, or expire")]
    InvitationsFull,
    /// A fault of the medium.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// What a client is told.
impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Busy => ErrorCode::Busy,
            StoreError::KeyTaken
            | StoreError::UnknownSite(_)
            | StoreError::LoginTaken
            | StoreError::UnknownInvitation
            | StoreError::InvitationsFull
            | StoreError::Failed(_) => ErrorCode::LogUnavailable,
        };
        Self::new(code, error.to_string())
    }
}
