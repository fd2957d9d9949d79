//! The framework's own way: the chat of its examples. One actor keeps the rooms, each WebSocket is an
//! actor of actix-web-actors, and all that is said goes through mailboxes.

use std::collections::HashMap;
use std::time::Duration;

use actix::prelude::*;
use actix_web::web::{Data, Payload, get};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer};
use actix_web_actors::ws;
use bytes::Bytes;
use vigie_load_peers::language::{Command, JOINED};

/// How often each socket is pinged, as in the examples; at the engine's interval.
const HEARTBEAT: Duration = Duration::from_secs(25);

/// Keeps the rooms.
#[derive(Default)]
struct Relay {
    rooms: HashMap<Bytes, Vec<Addr<Socket>>>,
}

/// One WebSocket.
struct Socket {
    relay: Addr<Relay>,
    rooms: Vec<Bytes>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Join(Bytes, Addr<Socket>);

#[derive(Message)]
#[rtype(result = "()")]
struct Leave(Bytes, Addr<Socket>);

#[derive(Message)]
#[rtype(result = "()")]
struct Publish(Bytes, Bytes);

#[derive(Message)]
#[rtype(result = "()")]
struct Deliver(Bytes);

impl Actor for Relay {
    type Context = Context<Self>;
}

impl Handler<Join> for Relay {
    type Result = ();

    fn handle(&mut self, Join(room, socket): Join, _: &mut Self::Context) {
        self.rooms.entry(room).or_default().push(socket);
    }
}

impl Handler<Leave> for Relay {
    type Result = ();

    fn handle(&mut self, Leave(room, socket): Leave, _: &mut Self::Context) {
        if let Some(members) = self.rooms.get_mut(&room) {
            members.retain(|member| *member != socket);
            if members.is_empty() {
                self.rooms.remove(&room);
            }
        }
    }
}

impl Handler<Publish> for Relay {
    type Result = ();

    fn handle(&mut self, Publish(room, payload): Publish, _: &mut Self::Context) {
        for member in self.rooms.get(&room).into_iter().flatten() {
            // Without a bound, as the examples have it.
            member.do_send(Deliver(payload.clone()));
        }
    }
}

impl Actor for Socket {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(HEARTBEAT, |_, context| context.ping(b""));
    }

    fn stopped(&mut self, context: &mut Self::Context) {
        for room in self.rooms.drain(..) {
            self.relay.do_send(Leave(room, context.address()));
        }
    }
}

impl Handler<Deliver> for Socket {
    type Result = ();

    fn handle(&mut self, Deliver(payload): Deliver, context: &mut Self::Context) {
        context.binary(payload);
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Socket {
    fn handle(
        &mut self,
        message: Result<ws::Message, ws::ProtocolError>,
        context: &mut Self::Context,
    ) {
        match message {
            Ok(ws::Message::Binary(bytes)) => match Command::read(bytes) {
                Some(Command::Join(room)) => {
                    self.rooms.push(room.clone());
                    // Answered when the relay knows: nothing that is published later is missed.
                    self.relay
                        .send(Join(room, context.address()))
                        .into_actor(self)
                        .map(|_, _, context| context.binary(JOINED))
                        .wait(context);
                }
                Some(Command::Publish(room, payload)) => {
                    self.relay.do_send(Publish(room, payload));
                }
                None => context.stop(),
            },
            Ok(ws::Message::Ping(payload)) => context.pong(&payload),
            Ok(ws::Message::Pong(_)) => {}
            _ => context.stop(),
        }
    }
}

async fn enter(
    request: HttpRequest,
    stream: Payload,
    relay: Data<Addr<Relay>>,
) -> Result<HttpResponse, Error> {
    let relay = Addr::clone(&relay);
    ws::start(Socket { relay, rooms: Vec::new() }, &request, stream)
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let relay = Data::new(Relay::default().start());
    let server =
        HttpServer::new(move || App::new().app_data(relay.clone()).route("/ws", get().to(enter)))
            .bind("127.0.0.1:0")?;
    println!("listening {}", server.addrs()[0]);
    server.run().await
}
