//! The store of a cluster, in its Redis: what one node writes, every other reads at once.
//!
//! Whatever is promised to happen all at once is one operation of one script (`store.lua`), so it
//! holds whichever nodes race. All keys share one hash tag, so that the script may touch all of
//! them, also in a Redis Cluster: what is configured is little. Only articles may be more; `knowledge`
//! has them.

use std::future::Future;
use std::sync::Arc;

use redis::Pipeline;
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SiteId};

use super::{
    Account, Article, Entrant, FirstInvitation, Grants, INVITATIONS_MAX, Invitation,
    OperatorRecord, Passage, SIGN_INS_OF_ACCOUNT_MAX, SignIn, Store, StoreError, StoreFuture,
};
use crate::accounts::SecretHash;
use crate::core::site::Site;
use crate::redis::{Redis, RedisFault, Script};

mod ask;
mod knowledge;

use ask::{Answer, Ask, json, parsed};
pub use knowledge::{ARTICLES_BYTES_MAX, INDEXED_BYTES_MAX};
use knowledge::{Knowledge, Query};

/// The most requests that are on their way to Redis; beyond that they are refused as busy.
pub const REQUESTS_MAX: usize = 1024;

/// What is asked of the store goes one way.
const LANE: u8 = 0;

/// A store in Redis. What was asked is done even if nobody waits for it.
pub struct RedisStore(Arc<Inner>);

struct Inner {
    redis: Redis,
    script: Script,
    /// What the names of all keys begin with.
    base: String,
    room: Arc<Semaphore>,
    knowledge: Knowledge,
}

impl RedisStore {
    /// The store of this Redis. It is asked nothing yet.
    ///
    /// # Errors
    /// The thread of the indexes could not be started.
    pub fn open(redis: Redis) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Inner {
            script: redis.script(include_str!("redis/store.lua")),
            base: redis.names().store(""),
            redis,
            room: Arc::new(Semaphore::new(REQUESTS_MAX)),
            knowledge: Knowledge::start()?,
        })))
    }

    /// Works where the connections are driven, so that it does not matter which runtime asks, nor
    /// whether it goes on.
    fn with<T, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> StoreFuture<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let Ok(room) = Arc::clone(&self.0.room).try_acquire_owned() else {
            return Box::pin(std::future::ready(Err(StoreError::Busy)));
        };
        let (answer, answered) = oneshot::channel();
        let work = work(Arc::clone(&self.0));
        self.0.redis.handle().spawn(async move {
            // Nobody may be waiting any more.
            let _ = answer.send(work.await);
            drop(room);
        });
        Box::pin(async move { answered.await.unwrap_or_else(|_| Err(stopped())) })
    }

    /// One operation of the script, and what its answer means.
    fn ask<T: Send + 'static>(
        &self,
        ask: Ask,
        read: impl FnOnce(Answer) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<T> {
        self.with(|store| async move { read(store.ask(ask).await?) })
    }
}

impl Inner {
    async fn ask(&self, ask: Ask) -> Result<Answer, StoreError> {
        let mut call = self.script.call(std::slice::from_ref(&self.base));
        for argument in ask.into_arguments() {
            call.arg(argument);
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(call);
        let answer = self.redis.run(LANE, &pipeline).await?.pop();
        Answer::read(answer.ok_or_else(stopped)??)
    }
}

impl Store for RedisStore {
    fn put_site(&self, site: Site) -> StoreFuture<()> {
        let put = Ask::new("put_site").with(&site.id).with(&site.key).json(&site);
        self.ask(put, |answer| answer.done().map(drop))
    }

    fn site(&self, id: SiteId) -> StoreFuture<Option<Site>> {
        self.ask(Ask::new("site").with(id), read_site)
    }

    fn site_by_key(&self, key: String) -> StoreFuture<Option<Site>> {
        self.ask(Ask::new("site_by_key").with(key), read_site)
    }

    fn sites(&self) -> StoreFuture<Vec<Site>> {
        self.ask(Ask::new("sites"), |answer| {
            let records = answer.values()?;
            let mut sites: Vec<Site> =
                records.iter().map(|record| json("a site", record)).collect::<Result<_, _>>()?;
            sites.sort_by(|one, other| one.id.cmp(&other.id));
            Ok(sites)
        })
    }

    fn put_operator(&self, site: SiteId, operator: OperatorRecord) -> StoreFuture<()> {
        let OperatorRecord { id, name, rank } = operator;
        let put = Ask::new("put_operator").with(site).with(id).with(name).json(&rank);
        self.ask(put, |answer| answer.done().map(drop))
    }

    fn operators(&self, site: SiteId) -> StoreFuture<Vec<OperatorRecord>> {
        self.ask(Ask::new("operators").with(site), |answer| {
            let records = answer.records()?.into_iter();
            let mut operators = records
                .map(|[id, name, rank]| operator(parsed(&id)?, name, &rank))
                .collect::<Result<Vec<_>, _>>()?;
            operators.sort_by(|one, other| one.id.cmp(&other.id));
            Ok(operators)
        })
    }

    fn memberships(&self, id: OperatorId) -> StoreFuture<Vec<(SiteId, OperatorRecord)>> {
        self.ask(Ask::new("memberships").with(&id), move |answer| {
            let records = answer.records()?.into_iter();
            let mut memberships = records
                .map(|[site, name, rank]| Ok((parsed(&site)?, operator(id.clone(), name, &rank)?)))
                .collect::<Result<Vec<(SiteId, _)>, StoreError>>()?;
            memberships.sort_by(|(one, _), (other, _)| one.cmp(other));
            Ok(memberships)
        })
    }

    fn rename_operator(&self, site: SiteId, id: OperatorId, name: String) -> StoreFuture<bool> {
        self.ask(Ask::new("rename_operator").with(site).with(id).with(name), Answer::whether)
    }

    fn remove_operator(&self, site: SiteId, id: OperatorId) -> StoreFuture<bool> {
        self.ask(Ask::new("remove_operator").with(site).with(id), Answer::whether)
    }

    fn accounts(&self) -> StoreFuture<Vec<Account>> {
        self.ask(Ask::new("accounts"), |answer| {
            let records = answer.records()?.into_iter();
            let mut accounts = records.map(account).collect::<Result<Vec<_>, _>>()?;
            accounts.sort_by(|one, other| one.login.cmp(&other.login));
            Ok(accounts)
        })
    }

    fn account(&self, id: OperatorId) -> StoreFuture<Option<Account>> {
        self.ask(Ask::new("account").with(id), read_account)
    }

    fn account_by_login(&self, login: String) -> StoreFuture<Option<Account>> {
        self.ask(Ask::new("account_by_login").with(login), read_account)
    }

    fn remove_account(&self, id: OperatorId) -> StoreFuture<bool> {
        self.ask(Ask::new("remove_account").with(id), Answer::whether)
    }

    fn set_password(
        &self,
        id: OperatorId,
        password: String,
        keep: Option<SecretHash>,
    ) -> StoreFuture<bool> {
        let set = Ask::new("set_password").with(id).with(password);
        // A code is never empty: without one to keep, all go.
        let set = match keep {
            Some(secret) => set.hash(secret),
            None => set.with(""),
        };
        self.ask(set, Answer::whether)
    }

    fn put_sign_in(&self, secret: SecretHash, sign_in: SignIn) -> StoreFuture<()> {
        let SignIn { account, started, expires } = sign_in;
        let put = Ask::new("put_sign_in").hash(secret).with(account).with(started);
        let put = put.with(expires).with(SIGN_INS_OF_ACCOUNT_MAX);
        self.ask(put, |answer| answer.done().map(drop))
    }

    fn sign_in(&self, secret: SecretHash, now: Millis) -> StoreFuture<Option<(SignIn, Account)>> {
        self.ask(Ask::new("sign_in").hash(secret).with(now), |answer| {
            let Some(record) = answer.record()? else { return Ok(None) };
            let [started, expires, id, login, password, name, owner] = record;
            let account = account([id, login, password, name, owner])?;
            let (started, expires) = (parsed(&started)?, parsed(&expires)?);
            Ok(Some((SignIn { account: account.id.clone(), started, expires }, account)))
        })
    }

    fn renew_sign_in(&self, secret: SecretHash, expires: Millis) -> StoreFuture<()> {
        let renew = Ask::new("renew_sign_in").hash(secret).with(expires);
        self.ask(renew, |answer| answer.done().map(drop))
    }

    fn remove_sign_in(&self, secret: SecretHash) -> StoreFuture<()> {
        self.ask(Ask::new("remove_sign_in").hash(secret), |answer| answer.done().map(drop))
    }

    fn put_invitation(
        &self,
        code: SecretHash,
        invitation: Invitation,
        now: Millis,
    ) -> StoreFuture<()> {
        let Invitation { grants, expires } = invitation;
        let (kind, site, account) = match &grants {
            Grants::Owner {} => ("owner", "", ""),
            Grants::Site { site, .. } => ("site", site.as_str(), ""),
            Grants::Password { account } => ("password", "", account.as_str()),
        };
        let put = Ask::new("put_invitation").hash(code).with(kind).with(site).with(account);
        let put = put.json(&grants).with(expires).with(now).with(INVITATIONS_MAX);
        self.ask(put, |answer| answer.done().map(drop))
    }

    fn put_first_invitation(&self, code: SecretHash, expires: Millis) -> StoreFuture<bool> {
        let put = Ask::new("put_first_invitation").hash(code).json(&Grants::Owner {});
        self.ask(put.with(expires), Answer::whether)
    }

    fn offer_first_invitation(
        &self,
        code: SecretHash,
        expires: Millis,
        now: Millis,
    ) -> StoreFuture<FirstInvitation> {
        let offer = Ask::new("offer_first_invitation").hash(code).json(&Grants::Owner {});
        self.ask(offer.with(expires).with(now), |answer| match answer.word() {
            "earlier" => Ok(FirstInvitation::Earlier),
            "account" => Ok(FirstInvitation::NotNeeded),
            _ => answer.done().map(|_| FirstInvitation::Kept),
        })
    }

    fn invitation(&self, code: SecretHash, now: Millis) -> StoreFuture<Option<Invitation>> {
        self.ask(Ask::new("invitation").hash(code).with(now), |answer| {
            let Some([grants, expires]) = answer.record()? else { return Ok(None) };
            let grants = json("an invitation", grants.as_bytes())?;
            Ok(Some(Invitation { grants, expires: parsed(&expires)? }))
        })
    }

    fn accept_invitation(
        &self,
        code: SecretHash,
        entrant: Entrant,
        now: Millis,
    ) -> StoreFuture<Account> {
        let Entrant { id, login, password, name, secret, expires } = entrant;
        let request = Uuid::new_v4().simple();
        let accept = Ask::new("accept_invitation").with(request).hash(code).with(now);
        let accept = accept.with(id).with(login).with(password).with(name);
        let accept = accept.hash(secret).with(expires).with(SIGN_INS_OF_ACCOUNT_MAX);
        self.ask(accept, |answer| account(answer.record()?.ok_or_else(ask::strange)?))
    }

    fn replace_articles(&self, site: SiteId, articles: Vec<Article>) -> StoreFuture<()> {
        self.with(|store| async move { knowledge::replace(&store, site, articles).await })
    }

    fn search(
        &self,
        site: SiteId,
        words: Vec<String>,
        language: Option<String>,
        limit: u32,
    ) -> StoreFuture<Vec<Passage>> {
        let query = Query { site, words, language, limit };
        self.with(|store| async move { knowledge::search(&store, query).await })
    }
}

fn read_site(answer: Answer) -> Result<Option<Site>, StoreError> {
    answer.value()?.map(|record| json("a site", &record)).transpose()
}

fn read_account(answer: Answer) -> Result<Option<Account>, StoreError> {
    answer.record()?.map(account).transpose()
}

fn account([id, login, password, name, owner]: [String; 5]) -> Result<Account, StoreError> {
    Ok(Account { id: parsed(&id)?, login, password, name, owner: owner == "1" })
}

fn operator(id: OperatorId, name: String, rank: &str) -> Result<OperatorRecord, StoreError> {
    Ok(OperatorRecord { id, name, rank: json("an operator's rank", rank.as_bytes())? })
}

fn stopped() -> StoreError {
    StoreError::Failed("its thread has stopped; start the engine again".into())
}

impl From<RedisFault> for StoreError {
    fn from(fault: RedisFault) -> Self {
        // Redis quotes the arguments of a command that it does not know, and they may be secret.
        let text = fault.to_string();
        let said = text.split(", with args beginning").next().unwrap_or_default();
        Self::Failed(said.to_owned())
    }
}
