//! The demo site: a small shop to try the engine with, kept as a directory with `site.toml` and
//! the articles of its knowledge.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use vigie_protocol::id::SiteId;

use super::CliError;
use crate::bots::knowledge::read_articles;
use crate::core::site::Site;
use crate::identity::new_secret;
use crate::store::Store;

/// Where the demo is in the engine's own sources.
pub(super) const DIR: &str = "config/demo";

/// Puts the demo site into a store. Done again it brings the site to what the directory says, and
/// keeps its secret, so that tokens stay good.
pub(super) async fn import_demo(store: &dyn Store, dir: &Path) -> Result<SiteId, CliError> {
    let file = dir.join("site.toml");
    let text = std::fs::read_to_string(&file).map_err(|error| {
        CliError::Refused(format!(
            "cannot read the demo site {} ({error}); start vigie where its sources are, or name \
             the directory: --demo=DIR",
            file.display()
        ))
    })?;
    let new = parse(&text, new_secret()).map_err(|problem| {
        CliError::Refused(format!("{} is no site: {problem}", file.display()))
    })?;
    let articles = read_articles(&dir.join("knowledge"))
        .map_err(|error| CliError::Refused(error.to_string()))?;
    let id = new.id.clone();
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

/// What a person may do now that the demo is served.
pub(super) fn what_next(site: &SiteId, http: SocketAddr, config: Option<&Path>) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "vigie".into());
    let mut vigie = program;
    if let Some(file) = config {
        let _ = write!(vigie, " -c {}", file.display());
    }
    format!(
        "
The demo shop is open. Open two more terminals here:

  {vigie} chat --site {site}     be a visitor: ask about shipping, returns, sizes, in English or French
  {vigie} watch --site {site}    be an operator: see the conversation live, take it over, hand it back

A client of your own connects to ws://{http}/ws with the public key \"{site}\"; protocol/SPEC.md says
how. Ctrl-C stops the engine.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
