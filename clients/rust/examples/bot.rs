//! A bot that answers everything with an echo:
//! `cargo run -p vigie-client --example bot -- tcp://127.0.0.1:8090 "$TOKEN"`

use vigie_client::protocol::event::EventBody;
use vigie_client::{Client, ClientEvent, ClientOptions, with_token};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments.next().ok_or("give an address and a token")?.parse()?;
    let token = arguments.next().ok_or("give a token")?;

    let client = Client::connect(endpoint, with_token(token), ClientOptions::default()).await?;
    client.serve().await?;
    while let Some(event) = client.next_event().await {
        let ClientEvent::Turn(turn) = event else { continue };
        let asked = turn.messages.iter().rev().find_map(|event| match &event.body {
            EventBody::Message(message) if event.offset == turn.turn => Some(&message.text),
            _ => None,
        });
        let text = format!("You said: {}", asked.map_or("nothing", String::as_str));
        // A human may have taken over meanwhile; then the answer is refused, and that is right.
        if let Err(refusal) = client.answer(&turn, text, vec![]).await {
            eprintln!("{}: {refusal}", turn.session);
        }
    }
    Ok(())
}
