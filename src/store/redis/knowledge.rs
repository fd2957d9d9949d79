//! The articles of sites: kept in Redis, looked through here.
//!
//! Redis has no full-text search, so each engine has an index of its own of the sites that are asked
//! about: the same tables and the same query as the embedded store. Every replacement of a site's
//! articles gives them another version; an index of an earlier one is made anew.
//!
//! Each site's index is apart: an engine holds those alone that it is asked about, and all engines
//! rank alike. How rare a word is, is so counted over the site's own passages, where the embedded
//! store counts over those of all sites.
//!
//! The articles travel in pieces, so that what sessions append on the same connection never waits
//! behind all of them.

use tokio::sync::Mutex;
use uuid::Uuid;
use vigie_protocol::id::SiteId;

use super::Inner;
use super::ask::{Ask, json, parsed};
use crate::sqlite::workers::{Queue, Workers};
use crate::sqlite::{self, Fault};
use crate::store::sqlite::search;
use crate::store::{Article, Passage, StoreError};

/// The most bytes that a site's articles may have, as JSON.
pub const ARTICLES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many bytes of articles are indexed at once, of all sites; beyond that the indexes that were
/// not asked for the longest go, until they are asked for again. The latest stays in any case.
pub const INDEXED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The most bytes of articles that travel at once.
const PIECE_BYTES_MAX: usize = 256 * 1024;

/// What an index costs however small it is.
const INDEX_BYTES: usize = 128 * 1024;

/// How long pieces are kept that no replacement has come of.
const PIECES_LIFE_MS: u64 = 10 * 60 * 1000;

/// The most searches that wait for the thread with the indexes.
const SEARCHES_QUEUED_MAX: usize = super::REQUESTS_MAX;

/// How often articles are read again because they were replaced meanwhile.
const READS_MAX: u32 = 10;

/// The one site of an index.
const SITE: u32 = 0;

type Work = Box<dyn FnOnce(&mut Indexes) + Send>;

/// What is looked for.
#[derive(Clone)]
pub(super) struct Query {
    pub(super) site: SiteId,
    pub(super) words: Vec<String>,
    pub(super) language: Option<String>,
    pub(super) limit: u32,
}

/// The indexes, on a thread of their own.
pub(super) struct Knowledge {
    thread: Workers<Work>,
    /// Held while an index is made, so that of many who miss it one makes it.
    making: Mutex<()>,
}

/// Latest asked for first.
#[derive(Default)]
struct Indexes(Vec<Index>);

struct Index {
    site: SiteId,
    version: String,
    bytes: usize,
    connection: rusqlite::Connection,
}

/// A site's articles as they travel.
struct Articles {
    version: String,
    json: Vec<u8>,
}

impl Knowledge {
    pub(super) fn start() -> Result<Self, StoreError> {
        let serve = |queue: Queue<Work>| {
            let mut indexes = Indexes::default();
            while let Some(work) = queue.next() {
                work(&mut indexes);
            }
        };
        let thread = Workers::start("knowledge", SEARCHES_QUEUED_MAX, [serve])?;
        Ok(Self { thread, making: Mutex::new(()) })
    }

    /// Passages of the articles with this version; `None` if they are not indexed here.
    async fn search(
        &self,
        version: &str,
        query: &Query,
    ) -> Result<Option<Vec<Passage>>, StoreError> {
        let (version, query) = (version.to_owned(), query.clone());
        self.run(move |indexes| indexes.search(&version, &query)).await
    }

    async fn index(&self, site: SiteId, articles: Articles) -> Result<(), StoreError> {
        self.run(move |indexes| indexes.make(site, articles)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Indexes) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let asked = self.thread.ask(|answer| {
            Box::new(move |indexes| {
                // Nobody may be waiting any more.
                let _ = answer.send(work(indexes));
            })
        });
        asked.await
    }
}

/// Puts these articles in the place of all of a site's.
pub(super) async fn replace(
    store: &Inner,
    site: SiteId,
    articles: Vec<Article>,
) -> Result<(), StoreError> {
    let json = serde_json::to_vec(&articles).map_err(|e| StoreError::Failed(e.to_string()))?;
    if json.len() > ARTICLES_BYTES_MAX {
        return Err(StoreError::Failed(format!(
            "the articles of a site may have {} MiB, and these have {}; leave some out",
            ARTICLES_BYTES_MAX >> 20,
            json.len().div_ceil(1 << 20)
        )));
    }
    let version = Uuid::new_v4().simple().to_string();
    let pieces = json.chunks(PIECE_BYTES_MAX);
    let replace = Ask::new("replace_articles").with(&site).with(&version).with(pieces.len());
    for (number, piece) in pieces.enumerate() {
        let put = Ask::new("put_piece").with(&site).with(&version).with(number);
        store.ask(put.bytes(piece.into()).with(PIECES_LIFE_MS)).await?.done()?;
    }
    store.ask(replace).await?.done().map(drop)
}

/// The passages of a site that match, best first.
pub(super) async fn search(store: &Inner, query: Query) -> Result<Vec<Passage>, StoreError> {
    let Some((version, _)) = current(store, &query.site).await? else { return Ok(Vec::new()) };
    let knowledge = &store.knowledge;
    if let Some(found) = knowledge.search(&version, &query).await? {
        return Ok(found);
    }
    let _making = knowledge.making.lock().await;
    if let Some(found) = knowledge.search(&version, &query).await? {
        return Ok(found);
    }
    let Some(articles) = read(store, &query.site).await? else { return Ok(Vec::new()) };
    let version = articles.version.clone();
    knowledge.index(query.site.clone(), articles).await?;
    Ok(knowledge.search(&version, &query).await?.unwrap_or_default())
}

/// The version of a site's articles, and how many pieces they have.
async fn current(store: &Inner, site: &SiteId) -> Result<Option<(String, usize)>, StoreError> {
    let Some(found) = store.ask(Ask::new("articles").with(site)).await?.value()? else {
        return Ok(None);
    };
    let found = String::from_utf8_lossy(&found);
    let (version, pieces) = found.split_once(':').unwrap_or((&found, ""));
    Ok(Some((version.to_owned(), parsed(pieces)?)))
}

async fn read(store: &Inner, site: &SiteId) -> Result<Option<Articles>, StoreError> {
    'again: for _ in 0..READS_MAX {
        let Some((version, pieces)) = current(store, site).await? else { return Ok(None) };
        let mut json = Vec::new();
        for number in 0..pieces {
            let ask = Ask::new("piece").with(site).with(&version).with(number);
            match store.ask(ask).await?.value()? {
                Some(piece) => json.extend(piece),
                None => continue 'again,
            }
        }
        return Ok(Some(Articles { version, json }));
    }
    Err(StoreError::Failed(format!("the articles of {site} are replaced all the time")))
}

impl Indexes {
    fn search(&mut self, version: &str, query: &Query) -> Result<Option<Vec<Passage>>, StoreError> {
        let there = |index: &Index| index.site == query.site && index.version == version;
        let Some(at) = self.0.iter().position(there) else { return Ok(None) };
        self.0[..=at].rotate_right(1);
        let Query { words, language, limit, .. } = query;
        let connection = &self.0[0].connection;
        let found = search::search(connection, SITE, words, language.as_deref(), *limit);
        found.map(Some).map_err(|error| {
            self.0.remove(0);
            Fault::from(error).into()
        })
    }

    fn make(&mut self, site: SiteId, articles: Articles) -> Result<(), StoreError> {
        let Articles { version, json: text } = articles;
        let articles: Vec<Article> = json(&format!("the knowledge of {site}"), &text)?;
        let mut connection = sqlite::in_memory()?;
        let transaction = connection.transaction().map_err(Fault::from)?;
        search::replace(&transaction, SITE, &articles).map_err(Fault::from)?;
        transaction.commit().map_err(Fault::from)?;
        self.0.retain(|index| index.site != site);
        self.0.insert(0, Index { site, version, bytes: INDEX_BYTES + text.len(), connection });
        self.shrink(INDEXED_BYTES_MAX);
        Ok(())
    }

    fn shrink(&mut self, bytes_max: usize) {
        let mut bytes = 0;
        let fits = |index: &Index| {
            bytes += index.bytes;
            bytes <= bytes_max
        };
        let kept = self.0.iter().map(fits).take_while(|fits| *fits).count();
        self.0.truncate(kept.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn articles(version: &str) -> Articles {
        let text = r#"[{"slug":"a","language":"en","title":"A","sections":
            [{"heading":"H","text":"A parcel."}]}]"#;
        Articles { version: version.into(), json: text.into() }
    }

    fn query(site: &str) -> Query {
        let words = vec!["parcel".to_owned()];
        Query { site: site.parse().unwrap(), words, language: None, limit: 9 }
    }

    #[test]
    fn an_index_answers_for_its_version_only() {
        let mut indexes = Indexes::default();
        indexes.make("shop".parse().unwrap(), articles("1")).unwrap();
        assert_eq!(indexes.search("1", &query("shop")).unwrap().unwrap().len(), 1);
        assert_eq!(indexes.search("2", &query("shop")), Ok(None));
        assert_eq!(indexes.search("1", &query("bank")), Ok(None));
        indexes.make("shop".parse().unwrap(), articles("2")).unwrap();
        assert_eq!(indexes.search("1", &query("shop")), Ok(None));
        assert_eq!(indexes.0.len(), 1);
    }

    #[test]
    fn indexes_that_were_not_asked_for_the_longest_go_first_and_the_latest_stays() {
        let mut indexes = Indexes::default();
        for site in ["shop", "bank", "club"] {
            indexes.make(site.parse().unwrap(), articles("1")).unwrap();
        }
        indexes.search("1", &query("shop")).unwrap().unwrap();
        let size = indexes.0[0].bytes;
        indexes.shrink(2 * size);
        let left = |indexes: &Indexes| {
            indexes.0.iter().map(|index| index.site.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(left(&indexes), ["shop", "club"]);
        indexes.shrink(0);
        assert_eq!(left(&indexes), ["shop"]);
    }
}
