use serde_json::{Value, json};

use super::*;

const NOW: Millis = 1_800_000_000_000;

fn site(id: &str, secret: &str) -> Site {
    Site {
        id: id.parse().unwrap(),
        name: "Shop".into(),
        key: "shop".into(),
        secret: secret.into(),
        origins: Vec::new(),
        native_clients: true,
        settings: Default::default(),
    }
}

fn shop() -> Site {
    site("shop", "correct horse battery staple")
}

/// Claims of an operator that are good for an hour, with changes; `null` removes one.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "site": "shop", "role": "operator", "sub": "ana", "name": "Ana", "exp": NOW / 1000 + 3600,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn sign(algorithm: Algorithm, claims: &Value) -> String {
    let key = EncodingKey::from_secret(shop().secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

/// Signs a header of another kind by HMAC with the site's secret, as an attacker would who takes a
/// public key for the secret.
fn sign_under(header: &str, claims: &Value) -> String {
    let token = sign(Algorithm::HS256, claims);
    let payload = token.split('.').nth(1).unwrap();
    let message = format!("{header}.{payload}");
    let key = EncodingKey::from_secret(shop().secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn reason(token: &str) -> String {
    verify(&shop(), token, NOW).unwrap_err().to_string()
}

#[test]
fn an_issued_token_is_verified_as_what_it_says() {
    let issued = Claims {
        site: shop().id,
        role: Role::Operator,
        sub: "ana".into(),
        name: Some("Ana Bērziņa".into()),
        rank: Some(Rank::Supervisor),
        exp: NOW / 1000 + 60,
        iat: Some(NOW / 1000),
    };
    let token = issue(&shop(), &issued);
    assert_eq!(peek_site(&token), Ok(shop().id));
    let operator =
        Operator {
            id: "ana".parse().unwrap(), name: "Ana Bērziņa".into(), rank: Rank::Supervisor
        };
    let expected =
        Verified { site: shop().id, who: Who::Operator(operator), expires: NOW + 60_000 };
    assert_eq!(verify(&shop(), &token, NOW), Ok(expected));
}

#[test]
fn a_bots_token_names_the_bot_and_an_operators_rank_is_agent_unless_said() {
    let bot = sign(Algorithm::HS256, &claims(json!({ "role": "bot", "sub": "b1" })));
    let who = Who::Bot { id: "b1".into(), name: "Ana".into() };
    assert_eq!(verify(&shop(), &bot, NOW).map(|v| v.who), Ok(who));

    let agent = sign(Algorithm::HS256, &claims(json!({})));
    let verified = verify(&shop(), &agent, NOW).unwrap();
    assert!(matches!(verified.who, Who::Operator(Operator { rank: Rank::Agent, .. })));
}

#[test]
fn a_resume_token_brings_the_same_visitor_back_for_a_year() {
    let visitor = VisitorId::from(Uuid::from_u128(7));
    let token = resume_token(&shop(), visitor, NOW);
    let year = 365 * 24 * 60 * 60 * 1000;
    assert_eq!(verify(&shop(), &token, NOW).map(|v| v.who), Ok(Who::Visitor(visitor)));
    assert!(verify(&shop(), &token, NOW + year - 1000).is_ok());
    assert_eq!(verify(&shop(), &token, NOW + year), Err(IdentityError::Expired));
}

#[test]
fn a_token_expires_to_the_second_without_leeway() {
    let token = sign(Algorithm::HS256, &claims(json!({ "exp": NOW / 1000 })));
    assert!(verify(&shop(), &token, NOW - 1).is_ok());
    assert_eq!(verify(&shop(), &token, NOW), Err(IdentityError::Expired));
}

#[test]
fn an_expiry_may_have_fractions_of_a_second_and_other_claims_are_ignored() {
    let changes = json!({ "exp": 1_800_000_001.75, "iat": 1.5, "aud": "app", "iss": "crm" });
    let token = sign(Algorithm::HS256, &claims(changes));
    assert_eq!(verify(&shop(), &token, NOW).map(|v| v.expires), Ok(NOW + 1000));
}

#[test]
fn only_hs256_is_accepted() {
    let good = claims(json!({}));
    // {"alg":"none","typ":"JWT"}, {"alg":"RS256","typ":"JWT"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let rs256 = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9";
    let unsigned = sign_under(none, &good);
    let unsigned = unsigned.rsplit_once('.').unwrap().0;
    for token in [
        sign(Algorithm::HS384, &good),
        sign(Algorithm::HS512, &good),
        sign_under(rs256, &good),
        sign_under(none, &good),
        format!("{unsigned}."),
        unsigned.to_owned(),
    ] {
        assert!(reason(&token).contains("not valid here"), "{token}");
    }
    assert!(reason(&sign_under(rs256, &good)).contains("not signed by HS256"));
}

#[test]
fn a_token_of_another_secret_or_site_or_with_a_changed_claim_is_refused() {
    let good = sign(Algorithm::HS256, &claims(json!({})));
    let other_secret = site("shop", "another secret");
    assert!(verify(&other_secret, &good, NOW).is_err());
    assert!(verify(&site("shop", ""), &good, NOW).is_err());

    let other_site = sign(Algorithm::HS256, &claims(json!({ "site": "bank" })));
    assert!(reason(&other_site).contains("for another site"));

    let admin = sign(Algorithm::HS256, &claims(json!({ "rank": "admin" })));
    let [header, _, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let forged = format!("{header}.{}.{signature}", admin.split('.').nth(1).unwrap());
    assert!(reason(&forged).contains("not signed with this site's secret"));
}

#[test]
fn claims_that_a_role_needs_are_required_and_sound() {
    let long = "x".repeat(65);
    for (changes, expected) in [
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": "tomorrow" }), "exp"),
        (json!({ "role": "god" }), "role"),
        (json!({ "role": null }), "role"),
        (json!({ "site": "NO" }), "site"),
        (json!({ "sub": null }), "sub"),
        (json!({ "sub": "" }), "\"sub\""),
        (json!({ "sub": long }), "\"sub\""),
        (json!({ "sub": "a\nb" }), "\"sub\""),
        (json!({ "name": null }), "\"name\""),
        (json!({ "name": " " }), "\"name\""),
        (json!({ "name": long }), "\"name\""),
        (json!({ "name": "Ana\u{7}" }), "\"name\""),
        (json!({ "rank": "king" }), "no JWT with the claims"),
        (json!({ "nbf": 4_000_000_000_u64 }), "nbf"),
        (json!({ "role": "bot", "name": null }), "\"name\""),
        (json!({ "role": "visitor" }), "UUID"),
    ] {
        let said = reason(&sign(Algorithm::HS256, &claims(changes.clone())));
        assert!(said.contains("not valid here") && said.contains(expected), "{changes}: {said}");
    }
    let fits = sign(Algorithm::HS256, &claims(json!({ "name": "ē".repeat(64) })));
    assert!(verify(&shop(), &fits, NOW).is_ok());
}

#[test]
fn what_is_no_token_is_refused_by_peek_and_verify() {
    let long = "a".repeat(TOKEN_BYTES_MAX + 1);
    for token in ["", ".", "..", "a.b.c", "a.b.c.d", "é.é.é", &long] {
        assert!(peek_site(token).is_err(), "{token}");
        assert!(verify(&shop(), token, NOW).is_err(), "{token}");
    }
}

#[test]
fn refusals_have_the_protocols_codes() {
    let code = |error: IdentityError| RpcError::from(error).code;
    assert_eq!(code(IdentityError::Expired), ErrorCode::TokenExpired);
    assert_eq!(code(IdentityError::Invalid("x")), ErrorCode::Unauthorized);
}

#[test]
fn secrets_and_keys_are_new_each_time_and_secrets_are_not_shown() {
    assert_ne!(new_secret(), new_secret());
    assert_ne!(new_key(), new_key());
    assert!(new_secret().len() >= 64);
    let site = site("shop", &new_secret());
    assert!(!format!("{site:?}").contains(&site.secret));
}
