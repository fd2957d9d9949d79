//! The command line: what a person at a terminal asks of the engine.
//!
//! Each command is a small room that opens only what it needs. A command's result goes to stdout
//! and nothing else does, so that it can be piped; what went wrong goes to stderr in one sentence
//! that says what to do. Exit codes: 0 done, 1 failed, 2 called in a wrong way.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Parser, Subcommand};
use vigie_protocol::event::Millis;

use crate::config::{self, Config, ConfigErrors};
use crate::log::LogError;
use crate::store::StoreError;

mod chat;
mod database;
mod demo;
mod editor;
mod export;
mod logging;
mod operator;
mod reach;
mod retention;
mod serve;
mod site;
mod terminal;
mod text;
mod token;
mod watch;

/// A self-hosted engine to watch AI website chats live and to take them over.
#[derive(Parser)]
#[command(name = "vigie", version, after_help = EXAMPLES)]
struct Cli {
    /// Configuration file; every key is explained in config/default.toml
    #[arg(short, long, value_name = "FILE", env = "VIGIE_CONFIG", global = true)]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Try it:
  vigie serve --demo           starts with a small shop and its knowledge
  vigie chat --site demo       in a second terminal: be a visitor
  vigie watch --site demo      in a third: see the conversation live, take it over

Use it:
  vigie site add shop --name 'My Shop' --origin https://shop.example --knowledge articles/
  vigie operator invite --site shop --rank agent
  vigie -c vigie.toml serve

Without a command, vigie serves. Every configuration key can be set in the environment:
  VIGIE__HTTP__LISTEN=127.0.0.1:9000 vigie serve";

#[derive(Subcommand)]
enum Command {
    /// Serve visitors, operators and bots (the default)
    #[command(after_help = "\
Example:
  vigie serve --demo
  vigie -c vigie.toml serve

Stops on SIGTERM or Ctrl-C: clients are told, and connect again when it is back.")]
    Serve(serve::Args),

    /// Show the configuration in force and where each value comes from, or all that is wrong
    #[command(after_help = "\
Example:
  VIGIE__HTTP__LISTEN=127.0.0.1:9000 vigie -c vigie.toml check-config

Exit code 0 if the engine would start with it, 1 if not.")]
    CheckConfig,

    /// Make a token for an operator, a bot or a visitor, and print it
    #[command(after_help = "\
Example:
  vigie token --site shop --role operator --id ana --name Ana --rank supervisor --hours 8

It is a JWT, signed with the site's secret by HS256. Your own systems can make the same: print the
secret with `vigie site secret shop`.")]
    Token(token::Args),

    /// Add sites, list them
    #[command(subcommand)]
    Site(site::Command),

    /// Invite operators, list their accounts, give them sites, reset their passwords
    #[command(subcommand)]
    Operator(operator::Command),

    /// Be a visitor in the terminal
    #[command(after_help = "\
Example:
  vigie chat --site demo
  vigie chat --site demo --resume ~/.vigie-visitor
  echo 'How long does shipping take?' | vigie chat --site demo

Write, then Enter. A number picks one of the choices, /human asks for a human, /quit leaves.")]
    Chat(chat::Args),

    /// Be an operator in the terminal: see every conversation live, take over, answer, hand back
    #[command(after_help = "\
Example:
  vigie watch --site demo
  vigie watch --connect ws://HOST:PORT/ws --token \"$TOKEN\"
  printf 'list\\nopen 1\\n' | vigie watch --site demo

On a terminal ? shows the keys. Through pipes it takes a command a line; help lists them.")]
    Watch(watch::Args),

    /// Print every event of a session, one JSON object per line
    #[command(after_help = "\
Example:
  vigie export 0c9a1f6e-6a55-8f0b-9d3e-2a4f1c7b8e90 > session.jsonl
  vigie export --archive archive/2026-11-21.jsonl.gz
  vigie export --archive archive/ 0c9a1f6e-6a55-8f0b-9d3e-2a4f1c7b8e90

From an archive of closed sessions without a session's id: a line for each session that is in it.")]
    Export(export::Args),

    /// Remove closed sessions whose time has come
    #[command(subcommand)]
    Retention(retention::Command),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("{0}: {1}")]
    Io(String, #[source] std::io::Error),
    /// A sentence that says what to do.
    #[error("{0}")]
    Refused(String),
}

/// Carries out the command of this process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = actix_rt::System::new().block_on(run(cli));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vigie: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), CliError> {
    let file = cli.config.as_deref();
    let (config, effective) = config::explain(file, environment())?;
    match cli.command.unwrap_or_else(|| Command::Serve(serve::Args::default())) {
        Command::Serve(args) => serve::run(config, args, file).await,
        Command::CheckConfig => check_config(&config, &effective),
        Command::Token(args) => token::run(&config, args).await,
        Command::Site(command) => site::run(&config, command).await,
        Command::Operator(command) => operator::run(&config, command).await,
        Command::Chat(args) => chat::run(&config, args).await,
        Command::Watch(args) => watch::run(&config, args).await,
        Command::Export(args) => export::run(&config, args).await,
        Command::Retention(command) => retention::run(&config, command).await,
    }
}

fn check_config(config: &Config, effective: &str) -> Result<(), CliError> {
    for warning in config.warnings() {
        eprintln!("vigie: warning: {warning}");
    }
    print(effective)
}

/// The environment, with what is no UTF-8 made readable so that it can be refused by name.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    })
}

/// Prints a result. A reader that has gone is not an error: it has what it wanted.
fn print(text: &str) -> Result<(), CliError> {
    use std::io::{ErrorKind, Write};
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::Io("cannot print".into(), error))
        }
        _ => Ok(()),
    }
}

fn now() -> Millis {
    let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Millis::try_from(since_1970.as_millis()).unwrap_or(Millis::MAX)
}
