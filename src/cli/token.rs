//! `vigie token`: identity for operators and bots until a site's own systems make it.

use clap::ValueEnum;
use vigie_protocol::id::SiteId;
use vigie_protocol::method::Rank;

use super::{CliError, database, now, print};
use crate::config::Config;
use crate::core::site::Site;
use crate::identity::{self, Claims, Role};

/// The longest life of a token: ten years.
const HOURS_MAX: i64 = 10 * 365 * 24;

/// A working day and some.
const HOURS: u32 = 12;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The site's id
    #[arg(long)]
    site: SiteId,
    /// What its bearer is
    #[arg(long, value_enum)]
    role: RoleArg,
    /// The bearer's id in your own systems; for a visitor a UUID
    #[arg(long)]
    id: String,
    /// The display name that visitors see [default: the id]
    #[arg(long)]
    name: Option<String>,
    /// What an operator may do
    #[arg(long, value_enum, default_value = "agent")]
    rank: RankArg,
    /// Hours until it expires
    #[arg(long, default_value_t = HOURS, value_parser = clap::value_parser!(u32).range(1..=HOURS_MAX))]
    hours: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleArg {
    /// A human who answers
    Operator,
    /// An AI that answers
    Bot,
    /// A person on the site, known to your own systems
    Visitor,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum RankArg {
    /// Observes, takes over from the bot, answers
    Agent,
    /// Also takes over from another operator
    Supervisor,
    /// Also administers the site
    Admin,
}

impl From<RankArg> for Rank {
    fn from(rank: RankArg) -> Self {
        match rank {
            RankArg::Agent => Self::Agent,
            RankArg::Supervisor => Self::Supervisor,
            RankArg::Admin => Self::Admin,
        }
    }
}

pub(super) async fn run(config: &Config, args: Args) -> Result<(), CliError> {
    let store = database::open_existing(config).await?;
    let site = database::site(&*store, &args.site).await?;
    print(&format!("{}\n", make(&site, args)?))
}

/// A token for one who works at this machine; it can be made anew at any time, so it lasts an hour.
pub(super) fn for_operator(
    site: &Site,
    id: &str,
    name: &str,
    rank: RankArg,
) -> Result<String, CliError> {
    let (id, name) = (id.to_owned(), Some(name.to_owned()));
    make(site, Args { site: site.id.clone(), role: RoleArg::Operator, id, name, rank, hours: 1 })
}

fn make(site: &Site, args: Args) -> Result<String, CliError> {
    let role = match args.role {
        RoleArg::Operator => Role::Operator,
        RoleArg::Bot => Role::Bot,
        RoleArg::Visitor => Role::Visitor,
    };
    let seconds = now() / 1000;
    let claims = Claims {
        site: site.id.clone(),
        role,
        name: (role != Role::Visitor).then(|| args.name.unwrap_or_else(|| args.id.clone())),
        sub: args.id,
        rank: (role == Role::Operator).then(|| args.rank.into()),
        exp: seconds + u64::from(args.hours) * 60 * 60,
        iat: Some(seconds),
    };
    let token = identity::issue(site, &claims);
    match identity::verify(site, &token, now()) {
        Ok(_) => Ok(token),
        Err(_) => Err(CliError::Refused(match role {
            Role::Visitor => "a visitor's --id must be a UUID".into(),
            _ => "--id and --name must be 1 to 64 characters without control characters".into(),
        })),
    }
}
