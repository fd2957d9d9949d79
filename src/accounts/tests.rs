use super::*;
use crate::gateway::http::BODY_BYTES_MAX;

const NOW: Millis = 1_800_000_000_000;
const DAY: Millis = 24 * 60 * 60 * 1000;

fn id(text: &str) -> SiteId {
    text.parse().unwrap()
}

fn site(slug: &str) -> Site {
    Site {
        id: id(slug),
        name: slug.to_uppercase(),
        key: slug.into(),
        secret: "correct horse battery staple".into(),
        origins: Vec::new(),
        native_clients: true,
        settings: Default::default(),
    }
}

fn account(owner: bool) -> Account {
    let id = "ana".parse().unwrap();
    Account { id, login: "ana".into(), password: String::new(), name: "Ana".into(), owner }
}

fn entered(slug: &str, name: &str, rank: Rank) -> (SiteId, OperatorRecord) {
    (id(slug), OperatorRecord { id: "ana".parse().unwrap(), name: name.into(), rank })
}

#[test]
fn an_operator_is_what_the_site_says_and_an_owner_is_admin_everywhere() {
    let records = [entered("shop", "Ana of the shop", Rank::Agent)];
    for (owner, slug, expected) in [
        (false, "shop", Some(("Ana of the shop", Rank::Agent))),
        (false, "bank", None),
        (true, "shop", Some(("Ana of the shop", Rank::Admin))),
        (true, "bank", Some(("Ana", Rank::Admin))),
    ] {
        let found = membership(&account(owner), site(slug), &records);
        let found = found.as_ref().map(|m| (m.display_name.as_str(), m.rank));
        assert_eq!(found, expected, "{owner} {slug}");
    }
}

#[test]
fn every_bound_in_the_code_is_the_bound_in_the_specification() {
    let spec = include_str!("../../protocol/SPEC.md");
    let spec = spec.split_whitespace().collect::<Vec<_>>().join(" ");
    let minutes = |ms: Millis| ms / 60_000;
    let days = |ms: Millis| ms / DAY;
    let thousands = |n: usize| format!("{},{:03}", n / 1000, n % 1000);
    for said in [
        format!("After {} failed attempts at one login", throttle::FAILURES_OF_LOGIN_MAX),
        format!("or {} from one address", throttle::FAILURES_OF_ADDRESS_MAX),
        format!("within {} minutes, attempts", minutes(throttle::WINDOW_MS)),
        format!("It is good for {} minutes", minutes(TOKEN_LIFE_MS)),
        format!("good once, for {} days", days(INVITATION_LIFE_MS)),
        format!("and {} days after the password was given", days(SIGN_IN_LIFE_MAX_MS)),
        format!("1 to {} characters without spaces", rules::LOGIN_CHARS_MAX),
        format!("at least {} characters", rules::PASSWORD_CHARS_MIN),
        format!("at most {} bytes, and not the login", thousands(rules::PASSWORD_BYTES_MAX)),
        format!("at most {} bytes long (else 413)", thousands(BODY_BYTES_MAX)),
    ] {
        assert!(spec.contains(&said), "SPEC.md lacks {said:?}");
    }
}

#[test]
fn a_sign_in_is_put_off_by_use_but_not_beyond_its_bound() {
    let hour = 60 * 60 * 1000;
    let sign_in = |started, expires| SignIn { account: account(false).id, started, expires };
    for (name, sign_in, now, expected) in [
        ("just made", sign_in(NOW, NOW + 10 * hour), NOW, None),
        ("used again at once", sign_in(NOW, NOW + 10 * hour), NOW + hour, None),
        ("used later", sign_in(NOW, NOW + 10 * hour), NOW + 2 * hour, Some(NOW + 12 * hour)),
        (
            "used near the bound",
            sign_in(NOW, NOW + 30 * DAY - 8 * hour),
            NOW + 30 * DAY - 9 * hour,
            Some(NOW + 30 * DAY),
        ),
        ("at the bound", sign_in(NOW, NOW + 30 * DAY), NOW + 30 * DAY - hour, None),
    ] {
        assert_eq!(renewed(&sign_in, now, 10 * hour), expected, "{name}");
    }
}
