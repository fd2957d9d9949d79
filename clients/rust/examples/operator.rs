//! An operator who takes over every session whose visitor waits for a human, and greets them:
//! `cargo run -p vigie-client --example operator -- tcp://127.0.0.1:8090 "$TOKEN"`

use vigie_client::protocol::card::{Show, Window};
use vigie_client::{Client, ClientEvent, ClientOptions, with_token};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments.next().ok_or("give an address and a token")?.parse()?;
    let token = arguments.next().ok_or("give a token")?;

    let client = Client::connect(endpoint, with_token(token), ClientOptions::default()).await?;
    client.watch(Window { show: Show::Waiting, ..Window::default() }).await?;
    while let Some(event) = client.next_event().await {
        let waiting = match event {
            ClientEvent::Snapshot(watching) => watching.cards,
            ClientEvent::Live(live) => live.upsert,
            _ => continue,
        };
        for card in waiting {
            // Another operator may be faster; then the refusal says who holds control.
            match client.take_over(card.session).await {
                Ok(_) => {
                    let hello = "Hello, I am here to help.";
                    client.say_to(card.session, hello, card.offset).await?;
                }
                Err(refusal) => eprintln!("{}: {refusal}", card.session),
            }
        }
    }
    Ok(())
}
