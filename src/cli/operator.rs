//! `vigie operator`: accounts of operators, for whoever has the machine.

use clap::Subcommand;
use vigie_protocol::id::SiteId;
use vigie_protocol::method::Rank;

use super::token::RankArg;
use super::{CliError, database, now, print};
use crate::accounts::{self, rules};
use crate::config::Config;
use crate::server::reachable;
use crate::store::{Account, Grants, OperatorRecord, Store, StoreError};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print a link with which one person makes an account of a site
    #[command(after_help = "\
Example:
  vigie operator invite --site shop --rank agent

The link is good once, for 7 days. Whoever has it gets the account: pass it on in private. Admins
invite from the desk as well.")]
    Invite {
        /// The site's id
        #[arg(long)]
        site: SiteId,
        /// What they may do
        #[arg(long, value_enum, default_value = "agent")]
        rank: RankArg,
    },

    /// Print the link that makes the first account; it takes the place of an earlier one
    #[command(after_help = "\
Example:
  vigie operator first

An engine prints it too when it starts, in a cluster the one that starts first. It is good once, for
7 days, and only while there is no account: whoever has it becomes admin of every site.")]
    First,

    /// List the accounts with their sites
    #[command(after_help = "\
Example:
  vigie operator list")]
    List,

    /// Let an account work at one more site, or change its rank there
    #[command(after_help = "\
Example:
  vigie operator grant ana --site shop --rank supervisor")]
    Grant {
        /// The account's login
        login: String,
        /// The site's id
        #[arg(long)]
        site: SiteId,
        /// What they may do there
        #[arg(long, value_enum)]
        rank: RankArg,
    },

    /// Print a link with which the owner of an account sets a new password
    #[command(after_help = "\
Example:
  vigie operator reset ana

The link is good once, for 7 days. The old password works until a new one is set; then every other
sign-in ends.")]
    Reset {
        /// The account's login
        login: String,
    },

    /// Take an account from a site, or remove it
    #[command(after_help = "\
Example:
  vigie operator remove ana --site shop
  vigie operator remove ana

They get no more tokens; an open desk of theirs is cut off within a quarter of an hour.")]
    Remove {
        /// The account's login
        login: String,
        /// The site's id; without it, the account is removed
        #[arg(long)]
        site: Option<SiteId>,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    let store = database::open_existing(config).await?;
    match command {
        Command::Invite { site, rank } => {
            let site = database::site(&*store, &site).await?.id;
            print_link(config, &*store, Grants::Site { site, rank: rank.into() }).await
        }
        Command::First => {
            let link = accounts::invite_first(&*store, &base(config)?, now()).await?;
            let link = link.ok_or_else(|| {
                CliError::Refused(
                    "there is an account already; `vigie operator list` shows whose, and their \
                     owner can get a new password with `vigie operator reset`"
                        .into(),
                )
            })?;
            print(&format!("{link}\n"))
        }
        Command::List => print(&table(&*store).await?),
        Command::Grant { login, site, rank } => {
            let account = account(&*store, &login).await?;
            let site = database::site(&*store, &site).await?.id;
            grant(&*store, account, site, rank).await
        }
        Command::Reset { login } => {
            let account = account(&*store, &login).await?.id;
            print_link(config, &*store, Grants::Password { account }).await
        }
        Command::Remove { login, site } => {
            let account = account(&*store, &login).await?;
            match site {
                Some(site) => remove_from(&*store, account, site).await,
                None => {
                    store.remove_account(account.id).await?;
                    print(&format!("{} is removed.\n", account.login))
                }
            }
        }
    }
}

async fn print_link(config: &Config, store: &dyn Store, grants: Grants) -> Result<(), CliError> {
    let (link, _) = accounts::invite(store, &base(config)?, grants, now()).await?;
    print(&format!("{link}\n"))
}

/// What links begin with.
fn base(config: &Config) -> Result<String, CliError> {
    match &config.http.public_url {
        Some(url) => Ok(url.clone()),
        None if config.http.listen.port() == 0 => Err(CliError::Refused(
            "the engine takes any free port, so nobody knows its address; set http.public_url to \
             what the link should begin with"
                .into(),
        )),
        None => Ok(format!("http://{}", reachable(config.http.listen))),
    }
}

async fn grant(
    store: &dyn Store,
    account: Account,
    site: SiteId,
    rank: RankArg,
) -> Result<(), CliError> {
    if account.owner {
        return Err(CliError::Refused(format!(
            "{} is an owner, and so admin of every site already",
            account.login
        )));
    }
    let memberships = store.memberships(account.id.clone()).await?;
    let there = memberships.into_iter().find(|(id, _)| *id == site);
    let name = there.map_or(account.name, |(_, record)| record.name);
    let operator = OperatorRecord { id: account.id, name, rank: rank.into() };
    store.put_operator(site.clone(), operator).await?;
    print(&format!("{} is {} of {site}.\n", account.login, word(rank.into())))
}

async fn remove_from(store: &dyn Store, account: Account, site: SiteId) -> Result<(), CliError> {
    let login = account.login;
    if account.owner {
        return Err(CliError::Refused(format!(
            "{login} is an owner, and so admin of every site; leave --site out to remove the account"
        )));
    }
    if store.remove_operator(site.clone(), account.id).await? {
        print(&format!("{login} is no operator of {site} any longer.\n"))
    } else {
        Err(CliError::Refused(format!(
            "{login} is no operator of {site}; `vigie operator list` shows who is"
        )))
    }
}

async fn account(store: &dyn Store, login: &str) -> Result<Account, CliError> {
    let found = match rules::login(login) {
        Ok(login) => store.account_by_login(login).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| {
        CliError::Refused(format!(
            "there is no account {login}; `vigie operator list` shows which there are"
        ))
    })
}

async fn table(store: &dyn Store) -> Result<String, StoreError> {
    let accounts = store.accounts().await?;
    if accounts.is_empty() {
        return Ok(
            "There is no account yet: `vigie serve` prints the link that makes the first.\n".into(),
        );
    }
    let width = accounts.iter().map(|account| account.login.chars().count()).max();
    let width = width.unwrap_or_default().max("LOGIN".len());
    let mut table = format!("{:width$}  SITES\n", "LOGIN");
    for account in accounts {
        let memberships = store.memberships(account.id).await?;
        let sites: Vec<_> = memberships
            .iter()
            .map(|(site, record)| format!("{site} ({}, {:?})", word(record.rank), record.name))
            .collect();
        let sites = match (account.owner, sites.is_empty()) {
            (true, _) => format!("every (owner, {:?})", account.name),
            (false, true) => "-".into(),
            (false, false) => sites.join(", "),
        };
        table.push_str(&format!("{:width$}  {sites}\n", account.login));
    }
    Ok(table)
}

const fn word(rank: Rank) -> &'static str {
    match rank {
        Rank::Agent => "agent",
        Rank::Supervisor => "supervisor",
        Rank::Admin => "admin",
    }
}
