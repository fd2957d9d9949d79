//! A browser on one of the engine's own pages: it asks over HTTP and keeps its cookie.

use std::net::SocketAddr;

use serde_json::{Value, json};
use vigie::accounts;
use vigie::store::Grants;
use vigie_protocol::method::Rank;

use super::Shop;
use super::raw::{HttpAnswer, exchange, http_request};

/// The origin of the engine's own pages: [`http_request`] asks for this host.
pub const ORIGIN: &str = "http://shop.example";

/// A password like any other.
pub const PASSWORD: &str = "correct horse battery";

pub struct Browser {
    /// The engine that it asks.
    pub at: SocketAddr,
    /// What it would send as its cookie.
    pub cookie: Option<String>,
    /// Headers that go with every request.
    pub headers: Vec<(String, String)>,
}

impl Browser {
    pub fn new(shop: &Shop) -> Self {
        Self { at: shop.http(), cookie: None, headers: vec![] }
    }

    /// One that comes from this address, as a trusted proxy says, always to the same engine.
    pub fn from(shop: &Shop, address: &str) -> Self {
        let forwarded = ("X-Forwarded-For".to_owned(), address.to_owned());
        Self { at: shop.nodes[0].http, headers: vec![forwarded], cookie: None }
    }

    pub async fn get(&mut self, path: &str) -> HttpAnswer {
        self.ask("GET", path, &[], "").await
    }

    /// Posts JSON as a page of the engine's own would.
    pub async fn post(&mut self, path: &str, body: &Value) -> HttpAnswer {
        let headers = [("Origin", ORIGIN), ("Content-Type", "application/json")];
        self.ask("POST", path, &headers, &body.to_string()).await
    }

    /// Asks for anything in any way.
    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> HttpAnswer {
        let length = body.len().to_string();
        let mut all = vec![("Connection", "close"), ("Content-Length", length.as_str())];
        all.extend(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        if let Some(cookie) = &self.cookie {
            all.push(("Cookie", cookie));
        }
        all.extend(headers);
        let request = http_request(method, path, &all) + body;
        let answer = exchange(self.at, request.as_bytes()).await;
        if let Some(set) = answer.header("set-cookie") {
            let cookie = set.split(';').next().unwrap().to_owned();
            self.cookie = (!cookie.ends_with('=')).then_some(cookie);
        }
        answer
    }

    /// Takes up an invitation; the answer must be that they are in.
    pub async fn accepts(&mut self, link: &str, login: &str) -> Value {
        let (_, code) = link.split_once("#invitation=").expect("a link with an invitation");
        let body = json!({
            "invitation": code, "login": login, "password": PASSWORD,
            "display_name": super::display_name(login),
        });
        let answer = self.post("/v1/invitations/accept", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Signs in; whether they are in.
    pub async fn signs_in(&mut self, login: &str, password: &str) -> HttpAnswer {
        self.post("/v1/sign-in", &json!({ "login": login, "password": password })).await
    }

    /// A token for the socket.
    pub async fn token(&mut self, site: &str) -> HttpAnswer {
        self.post("/v1/token", &json!({ "site": site })).await
    }
}

impl HttpAnswer {
    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Shop {
    /// The owner, signed in.
    pub async fn owner(&self) -> Browser {
        let link = accounts::invite_first(&*self.store(), ORIGIN, now()).await.unwrap();
        let mut browser = Browser::new(self);
        browser.accepts(&link.expect("there is no account yet"), "owner").await;
        browser
    }

    /// A link that makes an operator of the demo site.
    pub async fn invitation(&self, rank: Rank) -> String {
        let grants = Grants::Site { site: "demo".parse().unwrap(), rank };
        accounts::invite(&*self.store(), ORIGIN, grants, now()).await.unwrap().0
    }

    /// An operator of the demo site with an account, signed in.
    pub async fn account(&self, login: &str, rank: Rank) -> Browser {
        let link = self.invitation(rank).await;
        let mut browser = Browser::new(self);
        browser.accepts(&link, login).await;
        browser
    }

    /// A link that sets the password of an account.
    pub async fn password_link(&self, login: &str) -> String {
        let store = self.store();
        let account = store.account_by_login(login.into()).await.unwrap().unwrap().id;
        accounts::invite(&*store, ORIGIN, Grants::Password { account }, now()).await.unwrap().0
    }
}

pub fn now() -> u64 {
    let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    u64::try_from(since_1970.as_millis()).unwrap()
}
