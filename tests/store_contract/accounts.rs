//! The contract's part on accounts: who may sign in, and by what.

use std::sync::Arc;

use vigie::accounts::{Secret, SecretHash};
use vigie::store::{
    Account, Entrant, FirstInvitation, Grants, INVITATIONS_MAX, Invitation, OperatorRecord,
    SIGN_INS_OF_ACCOUNT_MAX, SignIn, Store, StoreError,
};
use vigie_protocol::event::Millis;
use vigie_protocol::id::OperatorId;
use vigie_protocol::method::Rank;

use super::{Place, id, operator, site};

const NOW: Millis = 1_800_000_000_000;
const HOUR: Millis = 60 * 60 * 1000;

pub async fn the_first_invitation_makes_the_owner_once(place: &impl Place) {
    let store = place.open();
    let (old, code) = (hash(), hash());
    assert_eq!(store.put_first_invitation(old, NOW + HOUR).await, Ok(true));
    assert_eq!(store.put_first_invitation(code, NOW + HOUR).await, Ok(true));
    assert_eq!(store.invitation(old, NOW).await, Ok(None), "the new one takes its place");
    let invitation = Invitation { grants: Grants::Owner {}, expires: NOW + HOUR };
    assert_eq!(store.invitation(code, NOW).await, Ok(Some(invitation)));

    let owner = store.accept_invitation(code, entrant("ana"), NOW).await.unwrap();
    assert_eq!(owner, account("ana", true));
    drop(store);
    let store = place.open();
    assert_eq!(store.accounts().await, Ok(vec![account("ana", true)]));
    assert_eq!(store.put_first_invitation(hash(), NOW + HOUR).await, Ok(false));
    assert_eq!(store.memberships(op("ana")).await, Ok(vec![]), "an owner is entered nowhere");
}

pub async fn the_first_invitation_ends_when_there_is_an_account(place: &impl Place) {
    let store = shop(place).await;
    let (first, other) = (hash(), invited(&store, Rank::Agent).await);
    store.put_first_invitation(first, NOW + HOUR).await.unwrap();
    store.accept_invitation(other, entrant("zoe"), NOW).await.unwrap();
    assert_eq!(store.invitation(first, NOW).await, Ok(None));
    let late = store.accept_invitation(first, entrant("ana"), NOW).await;
    assert_eq!(late, Err(StoreError::UnknownInvitation));
}

pub async fn a_first_invitation_that_is_offered_leaves_one_that_can_be_accepted(
    place: &impl Place,
) {
    let store = place.open();
    let (first, second, third) = (hash(), hash(), hash());
    let offer = async |code, now| store.offer_first_invitation(code, now + HOUR, now).await;
    assert_eq!(offer(first, NOW).await, Ok(FirstInvitation::Kept));
    assert_eq!(offer(second, NOW + HOUR - 1).await, Ok(FirstInvitation::Earlier));
    assert!(store.invitation(first, NOW).await.unwrap().is_some());
    assert_eq!(store.invitation(second, NOW).await, Ok(None));
    assert_eq!(offer(second, NOW + HOUR).await, Ok(FirstInvitation::Kept), "the first expired");
    assert_eq!(store.put_first_invitation(third, NOW + 3 * HOUR).await, Ok(true));
    assert_eq!(store.invitation(second, NOW + HOUR).await, Ok(None), "it was replaced");
    store.accept_invitation(third, entrant("ana"), NOW).await.unwrap();
    assert_eq!(offer(first, NOW).await, Ok(FirstInvitation::NotNeeded));
    assert_eq!(store.invitation(first, NOW).await, Ok(None));
}

pub async fn an_invitation_makes_an_operator_who_is_signed_in(place: &impl Place) {
    let store = shop(place).await;
    let code = invited(&store, Rank::Supervisor).await;
    let entrant = entrant("ana");
    let made = store.accept_invitation(code, entrant.clone(), NOW).await.unwrap();
    assert_eq!(made, account("ana", false));
    let record = OperatorRecord { id: op("ana"), name: "Ana".into(), rank: Rank::Supervisor };
    assert_eq!(store.operators(id("shop")).await, Ok(vec![record.clone()]));
    assert_eq!(store.memberships(op("ana")).await, Ok(vec![(id("shop"), record)]));
    let sign_in = SignIn { account: op("ana"), started: NOW, expires: NOW + 2 * HOUR };
    assert_eq!(store.sign_in(entrant.secret, NOW).await, Ok(Some((sign_in, made.clone()))));
    assert_eq!(store.account(op("ana")).await, Ok(Some(made.clone())));
    assert_eq!(store.account_by_login("ana".into()).await, Ok(Some(made)));
    assert_eq!(store.account_by_login("Ana".into()).await, Ok(None), "it is compared as it is");
}

pub async fn an_invitation_is_good_once_and_for_its_time(place: &impl Place) {
    let store = shop(place).await;
    let (used, expired) = (invited(&store, Rank::Agent).await, invited(&store, Rank::Agent).await);
    store.accept_invitation(used, entrant("ana"), NOW + HOUR - 1).await.unwrap();
    for (code, now) in [(used, NOW), (expired, NOW + HOUR), (hash(), NOW)] {
        assert_eq!(store.invitation(code, now).await, Ok(None));
        let refused = store.accept_invitation(code, entrant("zoe"), now).await;
        assert_eq!(refused, Err(StoreError::UnknownInvitation));
    }
    assert_eq!(store.accounts().await.unwrap().len(), 1);
}

pub async fn of_all_who_accept_one_invitation_at_once_one_gets_it(place: &impl Place) {
    let store = shop(place).await;
    let code = invited(&store, Rank::Agent).await;
    let elsewhere = place.open();
    let attempts = (0..20).map(|n| {
        let store = if n % 2 == 0 { &store } else { &elsewhere };
        store.accept_invitation(code, entrant(&format!("op-{n}")), NOW)
    });
    let outcomes = futures_util::future::join_all(attempts).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let late = Err(StoreError::UnknownInvitation);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == late).count(), 19);
    assert_eq!(store.accounts().await.unwrap().len(), 1);
    assert_eq!(store.operators(id("shop")).await.unwrap().len(), 1);
}

pub async fn a_login_is_one_accounts_and_a_refused_one_uses_nothing_up(place: &impl Place) {
    let store = shop(place).await;
    let (first, second) = (invited(&store, Rank::Agent).await, invited(&store, Rank::Agent).await);
    store.accept_invitation(first, entrant("ana"), NOW).await.unwrap();
    let same_login = Entrant { id: op("another"), ..entrant("ana") };
    let refused = store.accept_invitation(second, same_login.clone(), NOW).await;
    assert_eq!(refused, Err(StoreError::LoginTaken));
    assert_eq!(store.sign_in(same_login.secret, NOW).await, Ok(None));
    assert_eq!(store.operators(id("shop")).await.unwrap().len(), 1);
    assert!(store.accept_invitation(second, entrant("zoe"), NOW).await.is_ok());
}

pub async fn an_invitation_needs_its_site_and_room(place: &impl Place) {
    let store = place.open();
    let grants = Grants::Site { site: id("shop"), rank: Rank::Agent };
    let invitation = Invitation { grants, expires: NOW + HOUR };
    let unknown = Err(StoreError::UnknownSite(id("shop")));
    assert_eq!(store.put_invitation(hash(), invitation.clone(), NOW).await, unknown);
    store.put_site(site("shop")).await.unwrap();
    for _ in 0..INVITATIONS_MAX {
        store.put_invitation(hash(), invitation.clone(), NOW).await.unwrap();
    }
    let full = Err(StoreError::InvitationsFull);
    assert_eq!(store.put_invitation(hash(), invitation.clone(), NOW).await, full);
    // Expired ones make room.
    assert_eq!(store.put_invitation(hash(), invitation, NOW + HOUR).await, Ok(()));
}

pub async fn a_sign_in_lasts_until_it_expires_or_ends(place: &impl Place) {
    let store = with_ana(place).await;
    let (kept, ended) = (hash(), hash());
    store.put_sign_in(kept, sign_in(NOW, NOW + HOUR)).await.unwrap();
    store.put_sign_in(ended, sign_in(NOW, NOW + HOUR)).await.unwrap();
    store.remove_sign_in(ended).await.unwrap();
    assert_eq!(store.sign_in(ended, NOW).await, Ok(None));
    let found = Some((sign_in(NOW, NOW + HOUR), account("ana", false)));
    assert_eq!(store.sign_in(kept, NOW + HOUR - 1).await, Ok(found));
    assert_eq!(store.sign_in(kept, NOW + HOUR).await, Ok(None));
    store.renew_sign_in(kept, NOW + 3 * HOUR).await.unwrap();
    drop(store);
    let store = place.open();
    let found = Some((sign_in(NOW, NOW + 3 * HOUR), account("ana", false)));
    assert_eq!(store.sign_in(kept, NOW + HOUR).await, Ok(found));
    store.renew_sign_in(ended, NOW + 3 * HOUR).await.unwrap();
    assert_eq!(store.sign_in(ended, NOW).await, Ok(None), "what has ended stays so");
}

pub async fn the_oldest_sign_in_ends_for_one_too_many(place: &impl Place) {
    let store = with_ana(place).await;
    let secrets: Vec<_> = (0..=SIGN_INS_OF_ACCOUNT_MAX).map(|_| hash()).collect();
    for (started, secret) in (NOW..).zip(&secrets) {
        store.put_sign_in(*secret, sign_in(started + 1, NOW + HOUR)).await.unwrap();
    }
    assert_eq!(store.sign_in(secrets[0], NOW).await, Ok(None));
    for secret in &secrets[1..] {
        assert!(store.sign_in(*secret, NOW).await.unwrap().is_some());
    }
}

pub async fn another_password_ends_all_other_sign_ins_and_password_links(place: &impl Place) {
    let store = with_ana(place).await;
    let (kept, ended, link) = (hash(), hash(), hash());
    store.put_sign_in(kept, sign_in(NOW, NOW + HOUR)).await.unwrap();
    store.put_sign_in(ended, sign_in(NOW, NOW + HOUR)).await.unwrap();
    store.put_invitation(link, for_password("ana"), NOW).await.unwrap();
    assert_eq!(store.set_password(op("ana"), "new".into(), Some(kept)).await, Ok(true));
    assert!(store.sign_in(kept, NOW).await.unwrap().is_some());
    assert_eq!(store.sign_in(ended, NOW).await, Ok(None));
    assert_eq!(store.invitation(link, NOW).await, Ok(None));
    assert_eq!(store.account(op("ana")).await.unwrap().unwrap().password, "new");
    assert_eq!(store.set_password(op("ana"), "newer".into(), None).await, Ok(true));
    assert_eq!(store.sign_in(kept, NOW).await, Ok(None));
    assert_eq!(store.set_password(op("zoe"), "new".into(), None).await, Ok(false));
}

pub async fn a_password_link_sets_the_password_and_changes_nothing_else(place: &impl Place) {
    let store = with_ana(place).await;
    let (link, old) = (hash(), hash());
    store.put_sign_in(old, sign_in(NOW, NOW + HOUR)).await.unwrap();
    store.put_invitation(link, for_password("ana"), NOW).await.unwrap();
    let entrant =
        Entrant { id: op("another"), password: "new".into(), name: "X".into(), ..entrant("ana") };
    let changed = store.accept_invitation(link, entrant.clone(), NOW).await.unwrap();
    assert_eq!(changed, Account { password: "new".into(), ..account("ana", false) });
    assert_eq!(store.sign_in(old, NOW).await, Ok(None));
    assert!(store.sign_in(entrant.secret, NOW).await.unwrap().is_some());
    assert_eq!(store.operators(id("shop")).await.unwrap()[0].name, "Ana");
    let again = store.accept_invitation(link, entrant, NOW).await;
    assert_eq!(again, Err(StoreError::UnknownInvitation));
}

pub async fn an_operator_is_renamed_and_removed_at_one_site(place: &impl Place) {
    let store = shop(place).await;
    store.put_site(site("bank")).await.unwrap();
    for of in ["shop", "bank"] {
        store.put_operator(id(of), operator("ana", Rank::Agent)).await.unwrap();
    }
    let renamed = store.rename_operator(id("shop"), op("ana"), "Ana B".into()).await;
    assert_eq!(renamed, Ok(true));
    assert_eq!(store.rename_operator(id("shop"), op("zoe"), "Zoe".into()).await, Ok(false));
    let renamed = OperatorRecord { name: "Ana B".into(), ..operator("ana", Rank::Agent) };
    let at_bank = (id("bank"), operator("ana", Rank::Agent));
    let both = vec![at_bank.clone(), (id("shop"), renamed)];
    assert_eq!(store.memberships(op("ana")).await, Ok(both));
    assert_eq!(store.remove_operator(id("shop"), op("ana")).await, Ok(true));
    assert_eq!(store.remove_operator(id("shop"), op("ana")).await, Ok(false));
    assert_eq!(store.memberships(op("ana")).await, Ok(vec![at_bank]));
}

pub async fn an_account_goes_with_all_that_is_its_own(place: &impl Place) {
    let store = with_ana(place).await;
    let (secret, link, other) = (hash(), hash(), invited(&store, Rank::Agent).await);
    store.put_sign_in(secret, sign_in(NOW, NOW + HOUR)).await.unwrap();
    store.put_invitation(link, for_password("ana"), NOW).await.unwrap();
    assert_eq!(store.remove_account(op("ana")).await, Ok(true));
    assert_eq!(store.remove_account(op("ana")).await, Ok(false));
    assert_eq!(store.accounts().await, Ok(vec![]));
    assert_eq!(store.operators(id("shop")).await, Ok(vec![]));
    assert_eq!(store.sign_in(secret, NOW).await, Ok(None));
    assert_eq!(store.invitation(link, NOW).await, Ok(None));
    assert!(store.accept_invitation(other, entrant("ana"), NOW).await.is_ok());
}

async fn shop(place: &impl Place) -> Arc<dyn Store> {
    let store = place.open();
    store.put_site(site("shop")).await.unwrap();
    store
}

async fn with_ana(place: &impl Place) -> Arc<dyn Store> {
    let store = shop(place).await;
    let code = invited(&store, Rank::Agent).await;
    let ana = entrant("ana");
    let secret = ana.secret;
    store.accept_invitation(code, ana, NOW).await.unwrap();
    store.remove_sign_in(secret).await.unwrap();
    store
}

async fn invited(store: &Arc<dyn Store>, rank: Rank) -> SecretHash {
    let code = hash();
    let grants = Grants::Site { site: id("shop"), rank };
    store.put_invitation(code, Invitation { grants, expires: NOW + HOUR }, NOW).await.unwrap();
    code
}

fn for_password(of: &str) -> Invitation {
    Invitation { grants: Grants::Password { account: op(of) }, expires: NOW + HOUR }
}

fn hash() -> SecretHash {
    Secret::new().hash()
}

fn op(id: &str) -> OperatorId {
    id.parse().unwrap()
}

fn entrant(login: &str) -> Entrant {
    Entrant {
        id: op(login),
        login: login.into(),
        password: format!("hash of {login}"),
        name: "Ana".into(),
        secret: hash(),
        expires: NOW + 2 * HOUR,
    }
}

fn account(login: &str, owner: bool) -> Account {
    let Entrant { id, login, password, name, .. } = entrant(login);
    Account { id, login, password, name, owner }
}

fn sign_in(started: Millis, expires: Millis) -> SignIn {
    SignIn { account: op("ana"), started, expires }
}
