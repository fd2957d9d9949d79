//! The demo site: a small shop to try the engine with, kept as a directory with `site.toml` and
//! the articles of its knowledge.

use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use vigie_protocol::id::SiteId;

use super::CliError;
use crate::bots::knowledge::read_articles;
use crate::core::site::Site;
use crate::identity::new_secret;
use crate::server::reachable;
use crate::store::Store;

/// Where the demo is in the engine's own sources.
pub(super) const DIR: &str = "config/demo";

/// Puts the demo site into a store. Done again it brings the site to what the directory says, and
/// keeps its secret, so that tokens stay good. Visitors may also come from `own_origins`.
pub(super) async fn import_demo(
    store: &dyn Store,
    dir: &Path,
    own_origins: Vec<String>,
) -> Result<SiteId, CliError> {
    let file = dir.join("site.toml");
    let text = std::fs::read_to_string(&file).map_err(|error| {
        CliError::Refused(format!(
            "cannot read the demo site {} ({error}); start vigie where its sources are, or name \
             the directory: --demo=DIR",
            file.display()
        ))
    })?;
    let mut new = parse(&text, new_secret()).map_err(|problem| {
        CliError::Refused(format!("{} is no site: {problem}", file.display()))
    })?;
    let articles = read_articles(&dir.join("knowledge"))
        .map_err(|error| CliError::Refused(error.to_string()))?;
    let id = new.id.clone();
    for origin in own_origins {
        if !new.origins.contains(&origin) {
            new.origins.push(origin);
        }
    }
    let site = match store.site(id.clone()).await? {
        Some(old) => Site { secret: old.secret, ..new },
        None => new,
    };
    store.put_site(site).await?;
    store.replace_articles(id.clone(), articles).await?;
    Ok(id)
}

/// A site as a file has it: everything but the secret, which no file should hold.
fn parse(text: &str, secret: String) -> Result<Site, String> {
    let mut table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    if table.insert("secret".into(), secret.into()).is_some() {
        return Err(
            "a secret does not belong into this file; it is made at the first import".into()
        );
    }
    Site::deserialize(table).map_err(|error| error.to_string())
}

/// The origins of pages that this engine serves itself, on whichever port it is.
pub(super) fn own_origins(http: SocketAddr, base: &str) -> Vec<String> {
    let port = http.port();
    let mut origins = vec![
        base.to_owned(),
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        format!("http://{}", reachable(http)),
    ];
    origins.sort();
    origins.dedup();
    origins
}

/// What a person may do now that the demo is served.
pub(super) fn what_next(
    site: &SiteId,
    base: &str,
    first: Option<&str>,
    file: Option<&Path>,
) -> String {
    let mut vigie = std::env::args().next().unwrap_or_else(|| "vigie".into());
    if let Some(file) = file {
        vigie = format!("{vigie} -c {}", file.display());
    }
    let desk = match first {
        Some(link) => format!(
            "Make your account at the desk (the link is good once):

  {link}"
        ),
        None => format!(
            "Sign in at the desk (forgotten the password? {vigie} operator reset LOGIN):

  {base}/desk"
        ),
    };
    let socket = base.replacen("http", "ws", 1);
    format!(
        "
The demo shop is open. Be a visitor there: ask about shipping, returns, sizes, in English or French.

  {base}/demo/

{desk}

Or in two more terminals, here:

  {vigie} chat --site {site}     be a visitor
  {vigie} watch --site {site}    be an operator: see the conversation live, take it over, hand it back

A client of your own connects to {socket}/ws with the public key \"{site}\"; protocol/SPEC.md says
how. Ctrl-C stops the engine.

"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;

    fn own() -> Vec<String> {
        own_origins("0.0.0.0:4711".parse().unwrap(), "https://chat.example")
    }

    #[actix_rt::test]
    async fn the_demo_is_imported_again_and_again_and_keeps_its_secret() {
        let home = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(home.path().join("vigie.db")).unwrap();
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(DIR);
        let id = import_demo(&store, &dir, own()).await.unwrap();
        let first = store.site(id.clone()).await.unwrap().unwrap();
        assert_eq!((id.as_str(), first.key.as_str()), ("demo", "demo"));
        assert!(first.secret.len() > 60 && first.native_clients);
        for origin in [
            "http://localhost:8080",
            "http://localhost:4711",
            "http://127.0.0.1:4711",
            "https://chat.example",
        ] {
            let times = first.origins.iter().filter(|known| *known == origin).count();
            assert_eq!(times, 1, "{origin} in {:?}", first.origins);
        }

        import_demo(&store, &dir, own()).await.unwrap();
        assert_eq!(store.site(id.clone()).await.unwrap(), Some(first));
        for (word, language) in [("shipping", "en"), ("livraison", "fr")] {
            let words = vec![word.to_owned()];
            let found = store.search(id.clone(), words, Some(language.into()), 10).await.unwrap();
            assert!(!found.is_empty(), "{word}");
        }
    }

    #[actix_rt::test]
    async fn a_demo_that_is_not_there_says_where_it_was_looked_for() {
        let home = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(home.path().join("vigie.db")).unwrap();
        let said = import_demo(&store, Path::new("nowhere"), own()).await.unwrap_err().to_string();
        assert!(said.contains("nowhere/site.toml") && said.contains("--demo=DIR"), "{said}");
    }

    #[test]
    fn a_site_file_holds_everything_but_the_secret() {
        let text = "id = 'demo'\nname = 'Demo'\nkey = 'demo'\n[settings]\nlanguage = 'fr'";
        let site = parse(text, "s".into()).unwrap();
        assert_eq!((site.id.as_str(), site.secret.as_str()), ("demo", "s"));
        assert_eq!(site.settings.language, "fr");
        assert!(parse(&format!("secret = 'x'\n{text}"), "s".into()).is_err());
        assert!(
            parse(&format!("colour = 'red'\n{text}"), "s".into()).unwrap_err().contains("colour")
        );
    }
}
