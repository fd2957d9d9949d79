//! Where an engine listens, as it prints it.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// Waits until an engine says where it listens: HTTP and TCP. Its output is piped.
pub async fn listening(process: &mut Child) -> (SocketAddr, SocketAddr) {
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let listening = loop {
        let line = lines.next_line().await.unwrap().expect("the engine ended at its start");
        if let Some(addresses) = line.strip_prefix("listening http=") {
            break addresses.to_owned();
        }
    };
    // What the engine prints further is read and let go, so that its pipe never fills.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let (http, tcp) = listening.split_once(" tcp=").expect("both addresses");
    (http.parse().unwrap(), tcp.parse().unwrap())
}
