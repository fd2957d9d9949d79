//! A visitor who asks one question and waits for the answer:
//! `cargo run -p vigie-client --example visitor -- ws://127.0.0.1:8080/ws demo "Do you ship?"`

use vigie_client::protocol::event::{Author, EventBody};
use vigie_client::{Client, ClientEvent, ClientOptions, as_visitor};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let endpoint = argument("ws://127.0.0.1:8080/ws").parse()?;
    let site = argument("demo");
    let question = argument("How long does shipping take?");

    let client = Client::connect(endpoint, as_visitor(site), ClientOptions::default()).await?;
    let asked = client.say(question).await?;
    client.subscribe_own(asked.offset).await?;
    while let Some(event) = client.next_event().await {
        let ClientEvent::Event { event, .. } = event else { continue };
        match (event.author, event.body) {
            (Author::Bot { name } | Author::Operator { name, .. }, EventBody::Message(message)) => {
                println!("{name}: {}", message.text);
                return Ok(());
            }
            (_, EventBody::BotFailed { .. }) => return Err("the bot did not answer".into()),
            _ => {}
        }
    }
    Ok(())
}
