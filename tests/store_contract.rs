//! The contract of `Store`: whatever keeps what is configured, these stories hold. A backend joins
//! by binding a [`Place`] at the end of this file.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use vigie::config;
use vigie::core::site::{BotKind, Notices, Site};
use vigie::redis::Redis;
use vigie::store::redis::RedisStore;
use vigie::store::sqlite::SqliteStore;
use vigie::store::{Article, OperatorRecord, Passage, Section, Store, StoreError};
use vigie_protocol::id::SiteId;
use vigie_protocol::method::Rank;

use self::accounts::*;

#[path = "store_contract/accounts.rs"]
mod accounts;
#[path = "support/redis.rs"]
mod server;

/// Where a backend keeps one store, empty at first. Opened again, it is the same store.
trait Place {
    fn new() -> Self;
    fn open(&self) -> Arc<dyn Store>;
}

macro_rules! bind_store_contract {
    ($backend:ident, $place:ty) => {
        bind_store_contract! { $backend, $place:
            a_site_is_found_by_its_id_and_by_its_key
            a_site_is_there_after_reopening_with_all_its_settings
            a_site_that_is_put_again_replaces_the_one_with_its_id
            a_key_belongs_to_one_site
            sites_are_listed_by_id
            operators_are_listed_by_id_and_changed_in_place
            an_operator_or_an_article_needs_its_site
            a_search_finds_what_matches_any_word_best_first
            a_match_in_a_title_counts_more_than_one_in_a_heading_and_that_more_than_one_in_the_text
            a_search_finds_plurals_and_ignores_case_and_accents
            a_search_stays_within_its_site_and_language
            a_search_has_a_limit
            a_search_for_nothing_or_for_operators_of_the_search_itself_is_harmless
            new_articles_take_the_place_of_all_old_ones
            articles_stay_when_their_site_is_put_again
            the_first_invitation_makes_the_owner_once
            the_first_invitation_ends_when_there_is_an_account
            a_first_invitation_that_is_offered_leaves_one_that_can_be_accepted
            an_invitation_makes_an_operator_who_is_signed_in
            an_invitation_is_good_once_and_for_its_time
            of_all_who_accept_one_invitation_at_once_one_gets_it
            a_login_is_one_accounts_and_a_refused_one_uses_nothing_up
            an_invitation_needs_its_site_and_room
            a_sign_in_lasts_until_it_expires_or_ends
            the_oldest_sign_in_ends_for_one_too_many
            another_password_ends_all_other_sign_ins_and_password_links
            a_password_link_sets_the_password_and_changes_nothing_else
            an_operator_is_renamed_and_removed_at_one_site
            an_account_goes_with_all_that_is_its_own
        }
    };
    ($backend:ident, $place:ty: $($story:ident)*) => {
        mod $backend {
            use super::*;

            $(
                #[tokio::test]
                async fn $story() {
                    let place = <$place>::new();
                    super::$story(&place).await;
                }
            )*
        }
    };
}

async fn a_site_is_found_by_its_id_and_by_its_key(place: &impl Place) {
    let store = place.open();
    store.put_site(site("shop")).await.unwrap();
    assert_eq!(store.site(id("shop")).await, Ok(Some(site("shop"))));
    assert_eq!(store.site_by_key("key-of-shop".into()).await, Ok(Some(site("shop"))));
    assert_eq!(store.site(id("bank")).await, Ok(None));
    assert_eq!(store.site_by_key("key-of-bank".into()).await, Ok(None));
}

async fn a_site_is_there_after_reopening_with_all_its_settings(place: &impl Place) {
    let mut site = site("shop");
    site.native_clients = false;
    site.settings.bot = BotKind::Peer;
    let taken = Some("{name} vous répond".into());
    site.settings.notices.insert("fr".into(), Notices { taken, ..Notices::default() });
    place.open().put_site(site.clone()).await.unwrap();
    assert_eq!(place.open().site(id("shop")).await, Ok(Some(site)));
}

async fn a_site_that_is_put_again_replaces_the_one_with_its_id(place: &impl Place) {
    let store = place.open();
    store.put_site(site("shop")).await.unwrap();
    let renamed = Site { name: "A new name".into(), key: "new".into(), ..site("shop") };
    store.put_site(renamed.clone()).await.unwrap();
    assert_eq!(store.sites().await, Ok(vec![renamed.clone()]));
    assert_eq!(store.site_by_key("new".into()).await, Ok(Some(renamed)));
    assert_eq!(store.site_by_key("key-of-shop".into()).await, Ok(None));
}

async fn a_key_belongs_to_one_site(place: &impl Place) {
    let store = place.open();
    store.put_site(site("shop")).await.unwrap();
    store.put_site(site("bank")).await.unwrap();
    let same_key = |id| Site { key: "key-of-shop".into(), ..site(id) };
    assert_eq!(store.put_site(same_key("club")).await, Err(StoreError::KeyTaken));
    assert_eq!(store.put_site(same_key("bank")).await, Err(StoreError::KeyTaken));
    assert_eq!(store.sites().await, Ok(vec![site("bank"), site("shop")]));
}

async fn sites_are_listed_by_id(place: &impl Place) {
    let store = place.open();
    assert_eq!(store.sites().await, Ok(vec![]));
    for id in ["shop", "bank", "club"] {
        store.put_site(site(id)).await.unwrap();
    }
    assert_eq!(store.sites().await, Ok(["bank", "club", "shop"].map(site).to_vec()));
}

async fn operators_are_listed_by_id_and_changed_in_place(place: &impl Place) {
    let store = place.open();
    store.put_site(site("shop")).await.unwrap();
    store.put_site(site("bank")).await.unwrap();
    store.put_operator(id("shop"), operator("zoe", Rank::Agent)).await.unwrap();
    store.put_operator(id("shop"), operator("ana", Rank::Supervisor)).await.unwrap();
    store.put_operator(id("bank"), operator("zoe", Rank::Agent)).await.unwrap();
    store.put_operator(id("shop"), operator("zoe", Rank::Admin)).await.unwrap();
    let of_shop = vec![operator("ana", Rank::Supervisor), operator("zoe", Rank::Admin)];
    assert_eq!(store.operators(id("shop")).await, Ok(of_shop));
    assert_eq!(store.operators(id("bank")).await, Ok(vec![operator("zoe", Rank::Agent)]));
    assert_eq!(store.operators(id("club")).await, Ok(vec![]));
}

async fn an_operator_or_an_article_needs_its_site(place: &impl Place) {
    let store = place.open();
    let unknown = Err(StoreError::UnknownSite(id("shop")));
    assert_eq!(store.put_operator(id("shop"), operator("ana", Rank::Agent)).await, unknown);
    assert_eq!(store.replace_articles(id("shop"), knowledge()).await, unknown);
    assert_eq!(store.search(id("shop"), words("shipping"), None, 9).await, Ok(vec![]));
}

async fn a_search_finds_what_matches_any_word_best_first(place: &impl Place) {
    let store = shop_with(place, knowledge()).await;
    let found = store.search(id("shop"), words("parcel lost"), None, 9).await.unwrap();
    assert_eq!(headings(&found), ["A lost parcel", "How long it takes"]);
    assert!(found[0].score > found[1].score && found[1].score > 0.0, "{found:?}");
    let Passage { slug, language, title, heading, text, .. } = &found[0];
    assert_eq!(
        [slug, language, title, heading],
        ["shipping.en", "en", "Shipping", "A lost parcel"]
    );
    assert_eq!(text, "Tell us, and we send it again.");
}

async fn a_match_in_a_title_counts_more_than_one_in_a_heading_and_that_more_than_one_in_the_text(
    place: &impl Place,
) {
    let article = |slug: &str, title, heading, text| article(slug, "en", title, &[(heading, text)]);
    let filler = |n| article(&format!("filler-{n}"), "Other", "Things", "Some other words.");
    let mut articles: Vec<_> = (0..9).map(filler).collect();
    articles.push(article("text", "Other", "Things", "A refund, mostly."));
    articles.push(article("heading", "Other", "A refund", "It is words, mostly."));
    articles.push(article("title", "A refund", "Things", "It is words, mostly."));
    let store = shop_with(place, articles).await;
    let found = store.search(id("shop"), words("refund"), None, 9).await.unwrap();
    let slugs: Vec<_> = found.iter().map(|passage| passage.slug.as_str()).collect();
    assert_eq!(slugs, ["title", "heading", "text"]);
}

async fn a_search_finds_plurals_and_ignores_case_and_accents(place: &impl Place) {
    let store = shop_with(place, knowledge()).await;
    for (asked, heading) in [
        ("RETURN", "Within 30 days"),
        ("delais", "Délais"),
        ("délai", "Délais"),
        ("colis", "Délais"),
    ] {
        let found = store.search(id("shop"), words(asked), None, 9).await.unwrap();
        assert_eq!(headings(&found), [heading], "{asked}");
    }
}

async fn a_search_stays_within_its_site_and_language(place: &impl Place) {
    let store = shop_with(place, knowledge()).await;
    store.put_site(site("bank")).await.unwrap();
    let of_bank = article("loans.en", "en", "Loans", &[("Loans", "No parcel, no transport.")]);
    store.replace_articles(id("bank"), vec![of_bank]).await.unwrap();

    let search = async |site, language: Option<&str>| {
        let language = language.map(str::to_owned);
        let found = store.search(id(site), words("transport parcel"), language, 9).await.unwrap();
        found.into_iter().map(|passage| passage.heading).collect::<Vec<_>>()
    };
    assert_eq!(search("bank", None).await, ["Loans"]);
    assert_eq!(search("bank", Some("fr")).await, [""; 0]);
    assert_eq!(search("shop", Some("fr")).await, ["Délais"]);
    assert_eq!(search("shop", None).await.len(), 3);
}

async fn a_search_has_a_limit(place: &impl Place) {
    let store = shop_with(place, knowledge()).await;
    let search = async |limit| {
        let found = store.search(id("shop"), words("parcel"), None, limit).await.unwrap();
        headings(&found).len()
    };
    assert_eq!([search(9).await, search(1).await, search(0).await], [2, 1, 0]);
}

async fn a_search_for_nothing_or_for_operators_of_the_search_itself_is_harmless(
    place: &impl Place,
) {
    let store = shop_with(place, knowledge()).await;
    let search = async |words: &[&str]| {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        store.search(id("shop"), words, None, 9).await.unwrap().len()
    };
    assert_eq!(search(&[]).await, 0);
    assert_eq!(search(&["", "?", "\"", "*", "\0", "(", "-"]).await, 0);
    assert_eq!(search(&["NOT", "NEAR(", "title:x", "{", "^zzz"]).await, 0);
    assert_eq!(search(&["AND"]).await, 1, "a word like any other");
    assert_eq!(search(&["\"", "lost\0", "OR"]).await, 1);
    assert_eq!(search(&vec!["parcel"; 10_000]).await, 2);
}

async fn new_articles_take_the_place_of_all_old_ones(place: &impl Place) {
    let store = shop_with(place, knowledge()).await;
    let sizes = article("sizes.en", "en", "Sizes", &[("Shoes", "Your parcel holds a ruler.")]);
    store.replace_articles(id("shop"), vec![sizes]).await.unwrap();
    let found = store.search(id("shop"), words("parcel lost return"), None, 9).await.unwrap();
    assert_eq!(headings(&found), ["Shoes"]);

    store.replace_articles(id("shop"), vec![]).await.unwrap();
    assert_eq!(store.search(id("shop"), words("parcel"), None, 9).await, Ok(vec![]));
}

async fn articles_stay_when_their_site_is_put_again(place: &impl Place) {
    let store = shop_with(place, knowledge()).await;
    store.put_operator(id("shop"), operator("ana", Rank::Agent)).await.unwrap();
    store.put_site(Site { name: "A new name".into(), ..site("shop") }).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.search(id("shop"), words("parcel"), None, 9).await.unwrap().len(), 2);
    assert_eq!(store.operators(id("shop")).await.unwrap().len(), 1);
}

fn id(id: &str) -> SiteId {
    id.parse().unwrap()
}

fn site(slug: &str) -> Site {
    Site {
        id: id(slug),
        name: format!("The {slug}"),
        key: format!("key-of-{slug}"),
        secret: format!("secret of {slug}"),
        origins: vec![format!("https://{slug}.example")],
        native_clients: true,
        settings: Default::default(),
    }
}

fn operator(id: &str, rank: Rank) -> OperatorRecord {
    OperatorRecord { id: id.parse().unwrap(), name: id.to_uppercase(), rank }
}

async fn shop_with(place: &impl Place, articles: Vec<Article>) -> Arc<dyn Store> {
    let store = place.open();
    store.put_site(site("shop")).await.unwrap();
    store.replace_articles(id("shop"), articles).await.unwrap();
    store
}

fn knowledge() -> Vec<Article> {
    vec![
        article(
            "shipping.en",
            "en",
            "Shipping",
            &[
                ("How long it takes", "A parcel within the country takes two days."),
                ("A lost parcel", "Tell us, and we send it again."),
            ],
        ),
        article("returns.en", "en", "Returns", &[("Within 30 days", "Send it back, unworn.")]),
        article(
            "livraison.fr",
            "fr",
            "Livraison",
            &[("Délais", "Un colis met deux jours, transport compris.")],
        ),
    ]
}

fn article(slug: &str, language: &str, title: &str, sections: &[(&str, &str)]) -> Article {
    let section = |&(heading, text): &(&str, &str)| Section {
        heading: heading.to_owned(),
        text: text.to_owned(),
    };
    Article {
        slug: slug.to_owned(),
        language: language.to_owned(),
        title: title.to_owned(),
        sections: sections.iter().map(section).collect(),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn headings(passages: &[Passage]) -> Vec<&str> {
    passages.iter().map(|passage| passage.heading.as_str()).collect()
}

struct SqlitePlace(tempfile::TempDir);

impl Place for SqlitePlace {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.0.path().join("data").join("vigie.db")).unwrap())
    }
}

bind_store_contract!(sqlite, SqlitePlace);

/// A prefix of its own; each opening is another node.
struct RedisPlace(config::Redis);

impl Place for RedisPlace {
    fn new() -> Self {
        Self(config::Redis {
            url: Some(server::shared().url()),
            prefix: server::prefix(),
            connections: 2,
            timeout: Duration::from_secs(10),
        })
    }

    fn open(&self) -> Arc<dyn Store> {
        Arc::new(RedisStore::open(Redis::open(&self.0).unwrap()).unwrap())
    }
}

bind_store_contract!(redis, RedisPlace);
