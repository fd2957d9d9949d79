//! What is configured rather than said: sites, operators, knowledge.
//!
//! A narrow port beside the log, with the same backends. One contract, `tests/store_contract.rs`,
//! binds every backend.

use std::future::Future;
use std::pin::Pin;

use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::id::{OperatorId, SiteId};
use vigie_protocol::method::Rank;

use crate::core::site::Site;

pub mod sqlite;

/// What a store's methods return: they outlive the borrow of the store.
pub type StoreFuture<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'static>>;

/// Sites, operators and knowledge.
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A fault of the medium.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// What a client is told.
impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Busy => ErrorCode::Busy,
            StoreError::KeyTaken | StoreError::UnknownSite(_) | StoreError::Failed(_) => {
                ErrorCode::LogUnavailable
            }
        };
        Self::new(code, error.to_string())
    }
}
