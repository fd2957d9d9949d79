//! Who may sit at the desk: accounts of operators, how they sign in, how others are invited.
//!
//! An account is a login and a password, and is one operator (`OperatorId`) at each of its sites;
//! what they are called there and what they may do is in the store's operators. An *owner* is admin
//! of every site, also of later ones. Accounts are made by invitations only: the first by the link
//! that the engine prints while there is none, the others by links that an admin passes on.
//!
//! What opens something (the cookie of a sign-in, the code of a link) is random and stored as its
//! hash; what is guessed (a password) is hashed slowly and throttled. A sign-in is not what a socket
//! takes: for that there are tokens of a quarter of an hour, so that whoever is removed is out soon.
//!
//! - [`rules`]: what a login, a password and a name may be
//! - `secret`: random codes
//! - [`throttle`]: how often may be guessed
//! - [`hasher`]: slow hashes, beside the sockets

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SiteId};
use vigie_protocol::method::Rank;

use crate::core::site::Site;
use crate::identity::{self, Claims, Role};
use crate::store::{
    Account, Entrant, FirstInvitation, Grants, Invitation, OperatorRecord, SignIn, Store,
    StoreError,
};

pub mod hasher;
pub mod rules;
mod secret;
pub mod throttle;

pub use secret::{Secret, SecretHash};

use hasher::Hasher;
use throttle::Throttle;

/// How long a token for a socket is good.
pub const TOKEN_LIFE_MS: Millis = 15 * 60 * 1000;

/// How long an invitation can be accepted.
pub const INVITATION_LIFE_MS: Millis = 7 * 24 * 60 * 60 * 1000;

/// After this a password is asked for again, however busy the desk was.
pub const SIGN_IN_LIFE_MAX_MS: Millis = 30 * 24 * 60 * 60 * 1000;

/// A sign-in is put off when this part of its time has passed, so that not every request writes.
const RENEWED_AFTER: Millis = 10;

/// The accounts of an engine.
pub struct Accounts {
    store: Arc<dyn Store>,
    hasher: Hasher,
    throttle: Mutex<Throttle>,
    sign_in_ms: Millis,
    base: String,
}

/// Somebody who is signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub account: Account,
    /// What the browser shows next time.
    pub secret: Secret,
    /// When they have to sign in again.
    pub expires: Millis,
    /// Whether the browser must be told of that: it is new, or was put off.
    pub changed: bool,
}

/// A site that somebody may work at.
#[derive(Debug)]
pub struct Membership {
    /// The site.
    pub site: Site,
    /// What visitors there call them.
    pub display_name: String,
    /// What they may do there.
    pub rank: Rank,
}

/// What whoever opens an invitation is shown.
#[derive(Debug, PartialEq, Eq)]
pub struct Invited {
    /// The rank that the account gets; the highest that it has, if it is there already.
    pub rank: Rank,
    /// The names of its sites.
    pub sites: Vec<String>,
    /// The login that is to get a new password.
    pub login: Option<String>,
    /// When the invitation is good no longer.
    pub expires: Millis,
}

/// What an engine that starts says of the link that makes the first account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstLink {
    /// This is it.
    Made(String),
    /// Another engine has one that is still good.
    Elsewhere,
    /// There is an account.
    NotNeeded,
}

/// What somebody answers to an invitation.
pub struct Acceptance<'a> {
    /// The login that they choose; for a new password, the one that they have.
    pub login: &'a str,
    /// The password that they choose.
    pub password: &'a str,
    /// What visitors call them; not needed for a new password.
    pub display_name: Option<&'a str>,
}

/// Why somebody is not let in, or something not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// There is no sign-in, or it has ended.
    #[error("you are not signed in; sign in again")]
    NotSignedIn,
    /// No account has this login and this password.
    #[error("the login or the password is wrong")]
    Wrong,
    /// Too many have failed.
    #[error("too many attempts have failed; try again in {} s", .retry_after_ms.div_ceil(1000))]
    Throttled {
        /// How long to wait.
        retry_after_ms: Millis,
    },
    /// They may not do that.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The invitation was used, has expired or never was.
    #[error("this invitation was used, has expired or never was; ask for another")]
    UnknownInvitation,
    /// The login is somebody else's.
    #[error("somebody has this login already; choose another")]
    LoginTaken,
    /// A field is not what it must be.
    #[error("{problem}")]
    Unfit {
        /// Which one.
        field: &'static str,
        /// What it must be.
        problem: &'static str,
    },
    /// Too much is being done at once.
    #[error("too many are signing in at the moment; try again shortly")]
    Busy,
    /// The store's.
    #[error(transparent)]
    Store(StoreError),
    /// The machine's.
    #[error("passwords cannot be hashed: {0}")]
    Failed(String),
}

impl Accounts {
    /// The accounts that a store keeps. Sign-ins last for `sign_in` after they were used, links begin
    /// with `base`.
    ///
    /// # Errors
    /// [`AccountError::Failed`] if nothing can be hashed here.
    pub fn new(
        store: Arc<dyn Store>,
        sign_in: Duration,
        base: String,
    ) -> Result<Self, AccountError> {
        Ok(Self {
            store,
            hasher: Hasher::new(hasher::HASHED_AT_ONCE_MAX, hasher::HASHES_WAITING_MAX)?,
            throttle: Mutex::default(),
            sign_in_ms: Millis::try_from(sign_in.as_millis()).unwrap_or(Millis::MAX),
            base,
        })
    }

    /// Lets in whoever knows an account's password.
    ///
    /// # Errors
    /// [`AccountError::Wrong`], which does not tell whether there is such a login and takes as long
    /// either way; [`AccountError::Throttled`].
    pub async fn sign_in(
        &self,
        login: &str,
        password: &str,
        address: IpAddr,
        now: Millis,
    ) -> Result<SignedIn, AccountError> {
        let account = self.prove(login, password, address, now).await?;
        let secret = Secret::new();
        let expires = now.saturating_add(self.sign_in_ms.min(SIGN_IN_LIFE_MAX_MS));
        let sign_in = SignIn { account: account.id.clone(), started: now, expires };
        self.store.put_sign_in(secret.hash(), sign_in).await?;
        Ok(SignedIn { account, secret, expires, changed: true })
    }

    /// The account whose login and password these are.
    async fn prove(
        &self,
        login: &str,
        password: &str,
        address: IpAddr,
        now: Millis,
    ) -> Result<Account, AccountError> {
        let (Ok(login), Some(password)) = (rules::login(login), rules::password(password)) else {
            return Err(AccountError::Wrong);
        };
        self.throttle()
            .attempt(&login, address, now)
            .map_err(|retry_after_ms| AccountError::Throttled { retry_after_ms })?;
        let proved = async {
            let account = self.store.account_by_login(login.clone()).await?;
            let stored = account.as_ref().map(|account| account.password.clone());
            let same = self.hasher.verify(password, stored).await?;
            Ok::<_, AccountError>(account.filter(|_| same))
        };
        match proved.await {
            Ok(Some(account)) => {
                self.throttle().succeeded(&login, address);
                Ok(account)
            }
            Ok(None) => Err(AccountError::Wrong),
            Err(error) => {
                self.throttle().abandoned(&login, address);
                Err(error)
            }
        }
    }

    /// Whose sign-in this is. Being used puts its end off.
    ///
    /// # Errors
    /// [`AccountError::NotSignedIn`].
    pub async fn signed_in(
        &self,
        secret: Option<&str>,
        now: Millis,
    ) -> Result<SignedIn, AccountError> {
        let secret = secret.and_then(Secret::read).ok_or(AccountError::NotSignedIn)?;
        let found = self.store.sign_in(secret.hash(), now).await?;
        let (sign_in, account) = found.ok_or(AccountError::NotSignedIn)?;
        let renewed = renewed(&sign_in, now, self.sign_in_ms);
        if let Some(expires) = renewed {
            self.store.renew_sign_in(secret.hash(), expires).await?;
        }
        let expires = renewed.unwrap_or(sign_in.expires);
        Ok(SignedIn { account, secret, expires, changed: renewed.is_some() })
    }

    /// Ends a sign-in, if it is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn sign_out(&self, secret: Option<&str>) -> Result<(), AccountError> {
        match secret.and_then(Secret::read) {
            Some(secret) => Ok(self.store.remove_sign_in(secret.hash()).await?),
            None => Ok(()),
        }
    }

    /// The sites that an account may work at, by id.
    ///
    /// # Errors
    /// The store's.
    pub async fn memberships(&self, account: &Account) -> Result<Vec<Membership>, AccountError> {
        let sites = self.store.sites().await?;
        let records = self.store.memberships(account.id.clone()).await?;
        Ok(sites.into_iter().filter_map(|site| membership(account, site, &records)).collect())
    }

    /// What an account is at a site.
    ///
    /// # Errors
    /// [`AccountError::Forbidden`] if nothing; whether there is such a site is not told.
    pub async fn membership(
        &self,
        account: &Account,
        site: &SiteId,
    ) -> Result<Membership, AccountError> {
        let site = self.store.site(site.clone()).await?;
        let records = self.store.memberships(account.id.clone()).await?;
        site.and_then(|site| membership(account, site, &records))
            .ok_or(AccountError::Forbidden("you are not an operator of this site"))
    }

    /// A token for a socket, and when it expires: not after the sign-in.
    ///
    /// # Errors
    /// [`AccountError::Forbidden`].
    pub async fn token(
        &self,
        signed_in: &SignedIn,
        site: &SiteId,
        now: Millis,
    ) -> Result<(String, Millis), AccountError> {
        let account = &signed_in.account;
        let Membership { site, display_name, rank } = self.membership(account, site).await?;
        let exp = now.saturating_add(TOKEN_LIFE_MS).min(signed_in.expires) / 1000;
        let claims = Claims {
            site: site.id.clone(),
            role: Role::Operator,
            sub: account.id.as_str().to_owned(),
            name: Some(display_name),
            rank: Some(rank),
            exp,
            iat: Some(now / 1000),
        };
        Ok((identity::issue(&site, &claims), exp * 1000))
    }

    /// Changes what visitors of a site call somebody.
    ///
    /// # Errors
    /// [`AccountError::Unfit`], [`AccountError::Forbidden`].
    pub async fn rename(
        &self,
        account: &Account,
        site: &SiteId,
        name: &str,
    ) -> Result<String, AccountError> {
        let name = rules::display_name(name)?;
        let Membership { site, rank, .. } = self.membership(account, site).await?;
        let (id, id_of_site) = (account.id.clone(), site.id);
        let renamed =
            self.store.rename_operator(id_of_site.clone(), id.clone(), name.clone()).await?;
        match (renamed, account.owner) {
            (true, _) => Ok(name),
            // An owner is of every site without being entered there.
            (false, true) => {
                let operator = OperatorRecord { id, name: name.clone(), rank };
                self.store.put_operator(id_of_site, operator).await?;
                Ok(name)
            }
            (false, false) => Err(AccountError::Forbidden("you are not an operator of this site")),
        }
    }

    /// Changes a password for whoever knows it. Their other sign-ins end.
    ///
    /// # Errors
    /// [`AccountError::Wrong`] and [`AccountError::Throttled`] as at sign-in;
    /// [`AccountError::Unfit`].
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        old: &str,
        new: &str,
        address: IpAddr,
        now: Millis,
    ) -> Result<(), AccountError> {
        let account = &signed_in.account;
        let new = rules::new_password(new, &account.login)?;
        self.prove(&account.login, old, address, now).await?;
        let hash = self.hasher.hash(new).await?;
        let keep = Some(signed_in.secret.hash());
        let changed = self.store.set_password(account.id.clone(), hash, keep).await?;
        if changed { Ok(()) } else { Err(AccountError::NotSignedIn) }
    }

    /// Invites somebody to a site: the link, and when it is good no longer.
    ///
    /// # Errors
    /// [`AccountError::Forbidden`] unless the account is admin there.
    pub async fn invite(
        &self,
        account: &Account,
        site: &SiteId,
        rank: Rank,
        now: Millis,
    ) -> Result<(String, Millis), AccountError> {
        let membership = self.membership(account, site).await?;
        if membership.rank < Rank::Admin {
            return Err(AccountError::Forbidden("only admins of the site invite others"));
        }
        let grants = Grants::Site { site: membership.site.id, rank };
        Ok(invite(&*self.store, &self.base, grants, now).await?)
    }

    /// What an invitation is for.
    ///
    /// # Errors
    /// [`AccountError::UnknownInvitation`].
    pub async fn invited(&self, code: &str, now: Millis) -> Result<Invited, AccountError> {
        let (_, Invitation { grants, expires }) = self.invitation(code, now).await?;
        let names = |sites: Vec<Site>| sites.into_iter().map(|site| site.name).collect();
        Ok(match grants {
            Grants::Owner {} => {
                let sites = names(self.store.sites().await?);
                Invited { rank: Rank::Admin, sites, login: None, expires }
            }
            Grants::Site { site, rank } => {
                let sites = names(self.store.site(site).await?.into_iter().collect());
                Invited { rank, sites, login: None, expires }
            }
            Grants::Password { account } => {
                let account = self.account(account).await?;
                let memberships = self.memberships(&account).await?;
                let rank = memberships.iter().map(|membership| membership.rank).max();
                let sites = memberships.into_iter().map(|membership| membership.site).collect();
                let (rank, login) = (rank.unwrap_or_default(), Some(account.login));
                Invited { rank, sites: names(sites), login, expires }
            }
        })
    }

    /// Takes up an invitation, and signs in.
    ///
    /// # Errors
    /// [`AccountError::UnknownInvitation`]; [`AccountError::Unfit`] and
    /// [`AccountError::LoginTaken`], after which it can still be accepted.
    pub async fn accept(
        &self,
        code: &str,
        acceptance: Acceptance<'_>,
        now: Millis,
    ) -> Result<SignedIn, AccountError> {
        let (code, invitation) = self.invitation(code, now).await?;
        let login = rules::login(acceptance.login)?;
        let name = match (&invitation.grants, acceptance.display_name) {
            (Grants::Password { account }, _) => {
                let account = self.account(account.clone()).await?;
                if account.login != login {
                    let problem = "this link sets the password of another login";
                    return Err(AccountError::unfit("login", problem));
                }
                account.name
            }
            (_, name) => rules::display_name(name.unwrap_or_default())?,
        };
        let password = rules::new_password(acceptance.password, &login)?;
        let new = !matches!(invitation.grants, Grants::Password { .. });
        if new && self.store.account_by_login(login.clone()).await?.is_some() {
            return Err(AccountError::LoginTaken);
        }
        let password = self.hasher.hash(password).await?;
        let secret = Secret::new();
        let expires = now.saturating_add(self.sign_in_ms.min(SIGN_IN_LIFE_MAX_MS));
        let id = operator_id();
        let entrant = Entrant { id, login, password, name, secret: secret.hash(), expires };
        let account = self.store.accept_invitation(code.hash(), entrant, now).await?;
        Ok(SignedIn { account, secret, expires, changed: true })
    }

    async fn invitation(
        &self,
        code: &str,
        now: Millis,
    ) -> Result<(Secret, Invitation), AccountError> {
        let code = Secret::read(code).ok_or(AccountError::UnknownInvitation)?;
        let invitation = self.store.invitation(code.hash(), now).await?;
        invitation.map(|found| (code, found)).ok_or(AccountError::UnknownInvitation)
    }

    async fn account(&self, id: OperatorId) -> Result<Account, AccountError> {
        self.store.account(id).await?.ok_or(AccountError::UnknownInvitation)
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes an invitation: its link, and when it is good no longer.
///
/// # Errors
/// The store's.
pub async fn invite(
    store: &dyn Store,
    base: &str,
    grants: Grants,
    now: Millis,
) -> Result<(String, Millis), StoreError> {
    let (code, expires) = (Secret::new(), now.saturating_add(INVITATION_LIFE_MS));
    store.put_invitation(code.hash(), Invitation { grants, expires }, now).await?;
    Ok((link(base, &code), expires))
}

/// The link that makes the first account, while there is none. It takes the place of an earlier one.
///
/// # Errors
/// The store's.
pub async fn invite_first(
    store: &dyn Store,
    base: &str,
    now: Millis,
) -> Result<Option<String>, StoreError> {
    let code = Secret::new();
    let expires = now.saturating_add(INVITATION_LIFE_MS);
    let first = store.put_first_invitation(code.hash(), expires).await?;
    Ok(first.then(|| link(base, &code)))
}

/// As [`invite_first`], for one of several engines on one store: a link that another has printed, and
/// that is still good, stays so.
///
/// # Errors
/// The store's.
pub async fn offer_first(
    store: &dyn Store,
    base: &str,
    now: Millis,
) -> Result<FirstLink, StoreError> {
    let code = Secret::new();
    let expires = now.saturating_add(INVITATION_LIFE_MS);
    let offered = store.offer_first_invitation(code.hash(), expires, now).await?;
    Ok(match offered {
        FirstInvitation::Kept => FirstLink::Made(link(base, &code)),
        FirstInvitation::Earlier => FirstLink::Elsewhere,
        FirstInvitation::NotNeeded => FirstLink::NotNeeded,
    })
}

/// The code stands behind `#`, which browsers keep to themselves: it is in no log on the way.
fn link(base: &str, code: &Secret) -> String {
    format!("{base}/desk#invitation={}", code.expose())
}

/// An id that nobody has had, also none that a site's own systems give out.
fn operator_id() -> OperatorId {
    Uuid::new_v4().to_string().parse().expect("a UUID is an operator's id")
}

/// What an account is at a site, if anything.
fn membership(
    account: &Account,
    site: Site,
    records: &[(SiteId, OperatorRecord)],
) -> Option<Membership> {
    let record = records.iter().find(|(id, _)| *id == site.id).map(|(_, record)| record);
    match (record, account.owner) {
        (Some(record), owner) => {
            let rank = if owner { Rank::Admin } else { record.rank };
            Some(Membership { site, display_name: record.name.clone(), rank })
        }
        (None, true) => {
            Some(Membership { site, display_name: account.name.clone(), rank: Rank::Admin })
        }
        (None, false) => None,
    }
}

/// Until when a sign-in is put off by being used now; none if that can wait.
fn renewed(sign_in: &SignIn, now: Millis, sign_in_ms: Millis) -> Option<Millis> {
    let latest = sign_in.started.saturating_add(SIGN_IN_LIFE_MAX_MS);
    let expires = now.saturating_add(sign_in_ms).min(latest);
    let gained = expires.saturating_sub(sign_in.expires);
    (gained > sign_in_ms / RENEWED_AFTER).then_some(expires)
}

impl AccountError {
    const fn unfit(field: &'static str, problem: &'static str) -> Self {
        Self::Unfit { field, problem }
    }
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LoginTaken => Self::LoginTaken,
            StoreError::UnknownInvitation => Self::UnknownInvitation,
            StoreError::Busy => Self::Busy,
            error => Self::Store(error),
        }
    }
}

#[cfg(test)]
mod tests;
