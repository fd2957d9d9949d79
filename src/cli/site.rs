//! `vigie site`: adds and lists sites.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use vigie_protocol::id::SiteId;

use super::{CliError, database, print};
use crate::bots::knowledge::read_articles;
use crate::config::{self, Config};
use crate::core::site::{
    Accent, BotKind, Position, Scheme, Site, SiteSettings, Texts, WidgetSettings,
};
use crate::identity::{new_key, new_secret};
use crate::server::reachable;
use crate::store::StoreError;

/// The longest public key in bytes.
const KEY_BYTES_MAX: usize = 64;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a site, or change one with --update
    #[command(after_help = "\
Example:
  vigie site add shop --name 'My Shop' --origin https://shop.example --knowledge articles/
  vigie site add shop --update --knowledge articles/

Articles are Markdown files, one each; `shipping.fr.md` is in French.")]
    Add(Box<Add>),

    /// List the sites with their public keys
    #[command(after_help = "\
Example:
  vigie site list")]
    List,

    /// Print a site's secret, for systems of yours that make tokens themselves
    #[command(after_help = "\
Example:
  vigie site secret shop

Whoever has it can be any operator of the site: keep it where you keep passwords.")]
    Secret {
        /// The site's id
        id: SiteId,
    },
}

#[derive(clap::Args)]
pub(super) struct Add {
    /// A short id: 1 to 64 of a-z, 0-9, '-' and '_'
    id: SiteId,
    /// The site's name, for humans [default: the id]
    #[arg(long)]
    name: Option<String>,
    /// A page origin that visitors may connect from, such as https://shop.example; repeat for more
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = origin)]
    origins: Vec<String>,
    /// A directory of Markdown articles that the embedded bot answers from
    #[arg(long, value_name = "DIR")]
    knowledge: Option<PathBuf>,
    /// The public key, instead of a new one: 1 to 64 of A-Z, a-z, 0-9, '-' and '_'
    #[arg(long, value_parser = public_key)]
    key: Option<String>,
    /// The language of visitors whose own is unknown, such as fr
    #[arg(long)]
    language: Option<String>,
    /// Who answers while no human is in control
    #[arg(long, value_enum)]
    bot: Option<BotArg>,
    /// The bot's display name
    #[arg(long)]
    bot_name: Option<String>,
    /// The colour of the widget's buttons, such as '#2f6fb0'
    #[arg(long, value_parser = accent)]
    accent: Option<Accent>,
    /// The widget's corner of the page
    #[arg(long, value_enum)]
    position: Option<PositionArg>,
    /// Whether the widget is light or dark
    #[arg(long, value_enum)]
    scheme: Option<SchemeArg>,
    /// What the widget says first, such as 'fr=Bonjour !'; repeat for more languages
    #[arg(long = "greeting", value_name = "LANGUAGE=TEXT", value_parser = text)]
    greetings: Vec<(String, String)>,
    /// What stands above the widget's conversation, such as 'fr=Aide'; repeat for more languages
    #[arg(long = "title", value_name = "LANGUAGE=TEXT", value_parser = text)]
    titles: Vec<(String, String)>,
    /// Change the site that is there: what is not given stays, the secret always
    #[arg(long)]
    update: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum BotArg {
    /// The embedded bot, from the site's articles
    Knowledge,
    /// Only bots of your own that connect and serve
    Peer,
}

#[derive(Clone, Copy, ValueEnum)]
enum PositionArg {
    /// Below on the right
    Right,
    /// Below on the left
    Left,
}

#[derive(Clone, Copy, ValueEnum)]
enum SchemeArg {
    /// As the visitor's system has it
    Auto,
    /// Always light
    Light,
    /// Always dark
    Dark,
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    match command {
        Command::Add(add) => self::add(config, *add).await,
        Command::List => {
            let store = database::open_existing(config).await?;
            print(&table(&store.sites().await?))
        }
        Command::Secret { id } => {
            let store = database::open_existing(config).await?;
            print(&format!("{}\n", database::site(&*store, &id).await?.secret))
        }
    }
}

async fn add(config: &Config, add: Add) -> Result<(), CliError> {
    // Read before anything is written: an unreadable directory must not leave half a site.
    let articles = add.knowledge.as_deref().map(articles).transpose()?;
    let store = database::open(config).await?;
    let old = store.site(add.id.clone()).await?;
    if old.is_some() && !add.update {
        return Err(CliError::Refused(format!(
            "there is a site {} already; add --update to change it",
            add.id
        )));
    }
    let verb = if old.is_some() { "updated" } else { "added" };
    let site = change(old.unwrap_or_else(|| new_site(&add.id)), add).map_err(CliError::Refused)?;
    store.put_site(site.clone()).await.map_err(|error| match error {
        StoreError::KeyTaken => CliError::Refused(format!(
            "another site has the public key {}; choose another --key, or leave it out for a new \
             one",
            site.key
        )),
        other => other.into(),
    })?;
    let count = articles.as_ref().map(Vec::len);
    if let Some(articles) = articles {
        store.replace_articles(site.id.clone(), articles).await?;
    }
    print(&what_next(&site, verb, count, config))
}

fn articles(dir: &Path) -> Result<Vec<crate::store::Article>, CliError> {
    read_articles(dir).map_err(|error| CliError::Refused(error.to_string()))
}

fn new_site(id: &SiteId) -> Site {
    Site {
        id: id.clone(),
        name: id.to_string(),
        key: new_key(),
        secret: new_secret(),
        origins: Vec::new(),
        native_clients: true,
        settings: SiteSettings::default(),
    }
}

fn change(site: Site, add: Add) -> Result<Site, String> {
    let old = site.settings.widget;
    let widget = WidgetSettings {
        accent: add.accent.or(old.accent),
        position: add.position.map_or(old.position, |position| match position {
            PositionArg::Right => Position::Right,
            PositionArg::Left => Position::Left,
        }),
        scheme: add.scheme.map_or(old.scheme, |scheme| match scheme {
            SchemeArg::Auto => Scheme::Auto,
            SchemeArg::Light => Scheme::Light,
            SchemeArg::Dark => Scheme::Dark,
        }),
        greeting: with_all(old.greeting, add.greetings)?,
        title: with_all(old.title, add.titles)?,
    };
    let settings = SiteSettings {
        bot: match add.bot {
            Some(BotArg::Knowledge) => BotKind::Knowledge,
            Some(BotArg::Peer) => BotKind::Peer,
            None => site.settings.bot,
        },
        bot_name: add.bot_name.unwrap_or(site.settings.bot_name),
        language: add.language.unwrap_or(site.settings.language),
        widget,
        ..site.settings
    };
    Ok(Site {
        name: add.name.unwrap_or(site.name),
        key: add.key.unwrap_or(site.key),
        origins: if add.origins.is_empty() { site.origins } else { add.origins },
        settings,
        ..site
    })
}

fn with_all(texts: Texts, more: Vec<(String, String)>) -> Result<Texts, String> {
    more.into_iter().try_fold(texts, |texts, (language, text)| texts.with(language, text))
}

fn what_next(site: &Site, verb: &str, articles: Option<usize>, config: &Config) -> String {
    let Site { id, key, .. } = site;
    let origins = match site.origins.as_slice() {
        [] => "none: pages of a browser cannot connect until you add one with --origin".into(),
        origins => origins.join(", "),
    };
    let articles = match (articles, verb) {
        (Some(count), _) => format!("{count} read"),
        (None, "updated") => "as before".into(),
        (None, _) => "none: the bot has no answers until you add some with --knowledge".into(),
    };
    let listen = format!("http://{}", reachable(config.http.listen));
    let base = config.http.public_url.as_ref().unwrap_or(&listen);
    format!(
        "Site {id} {verb}.

  public key  {key}
  origins     {origins}
  articles    {articles}

One line in its pages shows the widget:

  <script src=\"{base}/widget.js\" data-site=\"{key}\" async></script>

Operators answer at {base}/desk, once they have an account:

  vigie operator invite --site {id} --rank agent

Bots, and operators in systems of your own, need a token:

  vigie token --site {id} --role operator --id ana --name Ana
  vigie token --site {id} --role bot --id my-bot --name Assistant --hours 8760

Their clients connect over WebSocket (/ws) or plain TCP ({tcp}); protocol/SPEC.md has it all.
",
        tcp = config.tcp.listen,
    )
}

fn table(sites: &[Site]) -> String {
    if sites.is_empty() {
        return "There is no site yet. Add one: vigie site add shop --name 'My Shop' --origin \
                https://shop.example\n"
            .into();
    }
    let rows = sites.iter().map(|site| {
        let origins = if site.origins.is_empty() { "-".into() } else { site.origins.join(" ") };
        [site.id.to_string(), site.key.clone(), site.name.clone(), origins]
    });
    let head = ["SITE", "PUBLIC KEY", "NAME", "ORIGINS"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; 3] = [0, 1, 2].map(|column| width(column).unwrap_or_default());
    rows.iter()
        .map(|[id, key, name, origins]| {
            format!("{id:0$}  {key:1$}  {name:2$}  {origins}\n", widths[0], widths[1], widths[2])
        })
        .collect()
}

fn origin(text: &str) -> Result<String, &'static str> {
    config::origin(text)
        .ok_or("an origin is a scheme and a host, with a port if it has one: https://shop.example")
}

fn accent(text: &str) -> Result<Accent, String> {
    Accent::try_from(text.to_owned())
}

fn text(text: &str) -> Result<(String, String), String> {
    let (language, said) = text.split_once('=').ok_or("write LANGUAGE=TEXT: 'fr=Bonjour !'")?;
    Texts::default().with(language.to_owned(), said.to_owned())?;
    Ok((language.to_owned(), said.to_owned()))
}

fn public_key(text: &str) -> Result<String, String> {
    let sound = (1..=KEY_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if sound { Ok(text.into()) } else { Err("1 to 64 of A-Z, a-z, 0-9, '-' and '_'".into()) }
}
