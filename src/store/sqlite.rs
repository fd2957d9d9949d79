//! The embedded store, in the same SQLite file as the log.
//!
//! One thread is enough: what is configured is seldom written, and a search takes less than a
//! millisecond.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, ffi, params};
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SiteId};

use super::{
    Account, Article, Entrant, FirstInvitation, Invitation, OperatorRecord, Passage, SignIn, Store,
    StoreError, StoreFuture,
};
use crate::accounts::SecretHash;
use crate::core::site::Site;
use crate::sqlite::workers::{Job, Link, Workers};
use crate::sqlite::{self, Fault, column};

mod accounts;
pub(super) mod search;

/// The most requests that wait for the store's thread; beyond that they are refused as busy.
pub const REQUESTS_QUEUED_MAX: usize = 1024;

/// A store in an SQLite file. Dropping it finishes what is queued, and waits for that.
pub struct SqliteStore {
    thread: Workers<Job>,
}

impl SqliteStore {
    /// Opens the store in this file, making the file if there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = PathBuf::from(path.as_ref());
        let link = Link::new(sqlite::open(&path)?, move || sqlite::open(&path));
        Ok(Self { thread: Workers::with_links("store", REQUESTS_QUEUED_MAX, [link])? })
    }

    fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<T> {
        self.thread.run(move |link| Ok(link.with(work)?))
    }

    /// For work that the store itself may refuse.
    fn try_with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<Result<T, StoreError>> + Send + 'static,
    ) -> StoreFuture<T> {
        self.thread.run(move |link| link.with(work)?)
    }
}

impl Store for SqliteStore {
    fn put_site(&self, site: Site) -> StoreFuture<()> {
        self.try_with(move |connection| put_site(connection, &site))
    }

    fn site(&self, id: SiteId) -> StoreFuture<Option<Site>> {
        self.with(move |connection| {
            let mut query = connection.prepare_cached("SELECT record FROM sites WHERE id = ?")?;
            query.query_row([id.as_str()], |row| column::json(row, 0)).optional()
        })
    }

    fn site_by_key(&self, key: String) -> StoreFuture<Option<Site>> {
        self.with(move |connection| {
            let mut query = connection.prepare_cached("SELECT record FROM sites WHERE key = ?")?;
            query.query_row([key], |row| column::json(row, 0)).optional()
        })
    }

    fn sites(&self) -> StoreFuture<Vec<Site>> {
        self.with(|connection| {
            let mut query = connection.prepare_cached("SELECT record FROM sites ORDER BY id")?;
            query.query_map([], |row| column::json(row, 0))?.collect()
        })
    }

    fn put_operator(&self, site: SiteId, operator: OperatorRecord) -> StoreFuture<()> {
        self.try_with(move |connection| put_operator(connection, site, &operator))
    }

    fn operators(&self, site: SiteId) -> StoreFuture<Vec<OperatorRecord>> {
        self.with(move |connection| operators(connection, &site))
    }

    fn memberships(&self, operator: OperatorId) -> StoreFuture<Vec<(SiteId, OperatorRecord)>> {
        self.with(move |connection| accounts::memberships(connection, &operator))
    }

    fn rename_operator(&self, site: SiteId, id: OperatorId, name: String) -> StoreFuture<bool> {
        self.with(move |connection| accounts::rename_operator(connection, &site, &id, &name))
    }

    fn remove_operator(&self, site: SiteId, id: OperatorId) -> StoreFuture<bool> {
        self.with(move |connection| accounts::remove_operator(connection, &site, &id))
    }

    fn accounts(&self) -> StoreFuture<Vec<Account>> {
        self.with(|connection| accounts::accounts(connection))
    }

    fn account(&self, id: OperatorId) -> StoreFuture<Option<Account>> {
        self.with(move |connection| accounts::account(connection, &id))
    }

    fn account_by_login(&self, login: String) -> StoreFuture<Option<Account>> {
        self.with(move |connection| accounts::account_by_login(connection, &login))
    }

    fn remove_account(&self, id: OperatorId) -> StoreFuture<bool> {
        self.with(move |connection| accounts::remove_account(connection, &id))
    }

    fn set_password(
        &self,
        id: OperatorId,
        password: String,
        keep: Option<SecretHash>,
    ) -> StoreFuture<bool> {
        self.with(move |connection| accounts::set_password(connection, &id, &password, keep))
    }

    fn put_sign_in(&self, secret: SecretHash, sign_in: SignIn) -> StoreFuture<()> {
        self.with(move |connection| accounts::put_sign_in(connection, secret, &sign_in))
    }

    fn sign_in(&self, secret: SecretHash, now: Millis) -> StoreFuture<Option<(SignIn, Account)>> {
        self.with(move |connection| accounts::sign_in(connection, secret, now))
    }

    fn renew_sign_in(&self, secret: SecretHash, expires: Millis) -> StoreFuture<()> {
        self.with(move |connection| accounts::renew_sign_in(connection, secret, expires))
    }

    fn remove_sign_in(&self, secret: SecretHash) -> StoreFuture<()> {
        self.with(move |connection| accounts::remove_sign_in(connection, secret))
    }

    fn put_invitation(
        &self,
        code: SecretHash,
        invitation: Invitation,
        now: Millis,
    ) -> StoreFuture<()> {
        self.try_with(move |connection| {
            accounts::put_invitation(connection, code, &invitation, now)
        })
    }

    fn put_first_invitation(&self, code: SecretHash, expires: Millis) -> StoreFuture<bool> {
        self.with(move |connection| accounts::put_first_invitation(connection, code, expires))
    }

    fn offer_first_invitation(
        &self,
        code: SecretHash,
        expires: Millis,
        now: Millis,
    ) -> StoreFuture<FirstInvitation> {
        self.with(move |connection| {
            accounts::offer_first_invitation(connection, code, expires, now)
        })
    }

    fn invitation(&self, code: SecretHash, now: Millis) -> StoreFuture<Option<Invitation>> {
        self.with(move |connection| accounts::invitation(connection, code, now))
    }

    fn accept_invitation(
        &self,
        code: SecretHash,
        entrant: Entrant,
        now: Millis,
    ) -> StoreFuture<Account> {
        self.try_with(move |connection| {
            accounts::accept_invitation(connection, code, &entrant, now)
        })
    }

    fn replace_articles(&self, site: SiteId, articles: Vec<Article>) -> StoreFuture<()> {
        self.try_with(move |connection| replace_articles(connection, site, &articles))
    }

    fn search(
        &self,
        site: SiteId,
        words: Vec<String>,
        language: Option<String>,
        limit: u32,
    ) -> StoreFuture<Vec<Passage>> {
        self.with(move |connection| {
            let Some(number) = site_number(connection, &site)? else { return Ok(Vec::new()) };
            search::search(connection, number, &words, language.as_deref(), limit)
        })
    }
}

fn put_site(connection: &Connection, site: &Site) -> rusqlite::Result<Result<(), StoreError>> {
    let put = connection
        .prepare_cached(
            "INSERT INTO sites (id, key, record) VALUES (?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET key = excluded.key, record = excluded.record",
        )?
        .execute(params![site.id.as_str(), site.key, column::to_json(site)?]);
    match put {
        // The one other unique column is the key.
        Err(error) if is(&error, ffi::SQLITE_CONSTRAINT_UNIQUE) => Ok(Err(StoreError::KeyTaken)),
        put => put.map(|_| Ok(())),
    }
}

fn put_operator(
    connection: &Connection,
    site: SiteId,
    operator: &OperatorRecord,
) -> rusqlite::Result<Result<(), StoreError>> {
    let OperatorRecord { id, name, rank } = operator;
    let put = connection
        .prepare_cached(
            "INSERT INTO operators (site, id, name, rank) VALUES (?, ?, ?, ?)
             ON CONFLICT (site, id) DO UPDATE SET name = excluded.name, rank = excluded.rank",
        )?
        .execute(params![site.as_str(), id.as_str(), name, column::to_json(rank)?]);
    match put {
        Err(error) if is(&error, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => {
            Ok(Err(StoreError::UnknownSite(site)))
        }
        put => put.map(|_| Ok(())),
    }
}

fn operators(connection: &Connection, site: &SiteId) -> rusqlite::Result<Vec<OperatorRecord>> {
    let mut query = connection
        .prepare_cached("SELECT id, name, rank FROM operators WHERE site = ? ORDER BY id")?;
    let operator = |row: &rusqlite::Row<'_>| {
        Ok(OperatorRecord {
            id: column::parsed(row, 0)?,
            name: row.get(1)?,
            rank: column::json(row, 2)?,
        })
    };
    query.query_map([site.as_str()], operator)?.collect()
}

fn replace_articles(
    connection: &mut Connection,
    site: SiteId,
    articles: &[Article],
) -> rusqlite::Result<Result<(), StoreError>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(number) = site_number(&transaction, &site)? else {
        return Ok(Err(StoreError::UnknownSite(site)));
    };
    search::replace(&transaction, number, articles)?;
    transaction.commit()?;
    Ok(Ok(()))
}

fn site_number(connection: &Connection, site: &SiteId) -> rusqlite::Result<Option<u32>> {
    let mut query = connection.prepare_cached("SELECT number FROM sites WHERE id = ?")?;
    query.query_row([site.as_str()], |row| row.get(0)).optional()
}

fn is(error: &rusqlite::Error, code: std::ffi::c_int) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == code)
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Busy => Self::Busy,
            Fault::Full(text) | Fault::Damaged(text) | Fault::Failed(text) => Self::Failed(text),
        }
    }
}
