//! Clients that nobody here wrote: libraries from PyPI, driven by scripts that know `SPEC.md` alone.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use vigie_protocol::method::Rank;

use crate::support::Shop;

/// How long fetching the libraries may take, the first time.
const SETUP_TIME: Duration = Duration::from_secs(300);

/// How long one script may take.
const SCRIPT_TIME: Duration = Duration::from_secs(160);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_over_websocket_watches_takes_over_and_hands_back() {
    let shop = Shop::open().await;
    let token = shop.operator_token("ann", Rank::Agent);
    let (site, http) = (shop.site.key.clone(), shop.http().to_string());
    run("websockets_msgpack.py", &["--http", &http, "--site", &site, "--token", &token]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_over_tcp_watches_takes_over_and_hands_back() {
    let shop = Shop::open().await;
    let token = shop.operator_token("ann", Rank::Agent);
    let (site, tcp) = (shop.site.key.clone(), shop.tcp().to_string());
    run("pynvim_tcp.py", &["--tcp", &tcp, "--site", &site, "--token", &token]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_over_tcp_stays_connected_by_answering_pings() {
    let shop = Shop::open_with(&[("GATEWAY__HEARTBEAT_MS", "2000")]).await;
    let (site, tcp) = (shop.site.key.clone(), shop.tcp().to_string());
    run("pynvim_tcp.py", &["--tcp", &tcp, "--site", &site, "--heartbeat"]).await;
}

/// Runs a script to its end, and shows what it said if it failed.
async fn run(script: &str, arguments: &[&str]) {
    let mut command = Command::new(python().await);
    command.arg(folder().join(script)).args(arguments);
    finish(script, command, SCRIPT_TIME).await;
}

/// The Python of an environment with the scripts' libraries, made anew when those have changed.
async fn python() -> &'static Path {
    static PYTHON: OnceCell<PathBuf> = OnceCell::const_new();
    PYTHON.get_or_init(environment).await
}

async fn environment() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp is in target");
    let home = target.join("interop-venv");
    let python = home.join("bin/python");
    let (wanted, installed) = (folder().join("requirements.txt"), home.join("requirements.txt"));
    let wanted = std::fs::read_to_string(wanted).unwrap();
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return python;
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&home);
    finish("python3 -m venv (Python 3.10 or later is needed)", make, SETUP_TIME).await;
    let mut fetch = Command::new(&python);
    fetch
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement"])
        .arg(folder().join("requirements.txt"));
    finish("pip install", fetch, SETUP_TIME).await;
    // Written last: an environment that was not finished is made anew.
    std::fs::write(installed, wanted).unwrap();
    python
}

async fn finish(what: &str, mut command: Command, limit: Duration) {
    let command = command.stdin(Stdio::null()).kill_on_drop(true);
    let output = match timeout(limit, command.output()).await {
        Ok(output) => output.unwrap_or_else(|error| panic!("{what} did not start: {error}")),
        Err(_) => panic!("{what} did not end within {limit:?}"),
    };
    let [said, complained] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{what}: {}\n{said}\n{complained}", output.status);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}
