//! Bytes of a socket to messages and back: WebSocket frames, or a plain MessagePack stream.

use actix_codec::{Decoder, Encoder};
use actix_http::ws::{self, CloseReason, Frame, Item, Message};
use bytes::{Bytes, BytesMut};
use vigie_protocol::MESSAGE_BYTES_MAX;
use vigie_protocol::error::CloseCode;
use vigie_protocol::push::{Bye, Notification};
use vigie_protocol::rpc::{self, Encoding};
use vigie_protocol::scan::{ScanError, Scanner};

/// How a connection's bytes are framed.
#[derive(Debug)]
pub enum Transport {
    /// WebSocket frames.
    WebSocket {
        /// Reads and writes frames.
        codec: ws::Codec,
        /// What its messages hold.
        encoding: Encoding,
        /// A message whose further frames have not come yet.
        partial: BytesMut,
    },
    /// MessagePack values, one after another.
    Tcp {
        /// Finds the end of the current one. Apart: the many are WebSockets, and pay for none.
        scanner: Box<Scanner>,
    },
}

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A whole message. A WebSocket message of MessagePack may hold several.
    Message(Bytes),
    /// A WebSocket ping, to be answered with this.
    Ping(Bytes),
    /// Something that needs no answer.
    Alive,
    /// The peer closes.
    Closed,
}

impl Transport {
    /// WebSocket frames.
    pub fn web_socket(encoding: Encoding) -> Self {
        let codec = ws::Codec::new().max_size(MESSAGE_BYTES_MAX);
        Self::WebSocket { codec, encoding, partial: BytesMut::new() }
    }

    /// A plain stream.
    pub fn tcp() -> Self {
        Self::Tcp { scanner: Box::default() }
    }

    /// How messages are written.
    pub const fn encoding(&self) -> Encoding {
        match self {
            Self::WebSocket { encoding, .. } => *encoding,
            Self::Tcp { .. } => Encoding::MessagePack,
        }
    }

    /// Takes what is whole from the front of `buffer`.
    ///
    /// # Errors
    /// The code to close with: the stream cannot be followed any further.
    pub fn read(&mut self, buffer: &mut BytesMut) -> Result<Option<Incoming>, CloseCode> {
        match self {
            Self::Tcp { scanner } => match scanner.scan(buffer) {
                Ok(None) => Ok(None),
                Ok(Some(length)) => Ok(Some(Incoming::Message(buffer.split_to(length).freeze()))),
                Err(error) => Err(close_code(error)),
            },
            Self::WebSocket { codec, encoding, partial } => {
                // The codec looks at the length only once all of it has come.
                if announced(buffer) > MESSAGE_BYTES_MAX as u64 {
                    return Err(CloseCode::MessageTooLarge);
                }
                match codec.decode(buffer).map_err(|error| match error {
                    ws::ProtocolError::Overflow => CloseCode::MessageTooLarge,
                    _ => CloseCode::ProtocolError,
                })? {
                    None => Ok(None),
                    Some(frame) => read_frame(frame, *encoding, partial).map(Some),
                }
            }
        }
    }

    /// Writes a message.
    pub fn write(&mut self, message: Bytes, buffer: &mut BytesMut) {
        match self {
            Self::Tcp { .. } => buffer.extend_from_slice(&message),
            Self::WebSocket { codec, encoding, .. } => {
                let frame = match encoding {
                    Encoding::MessagePack => Message::Binary(message),
                    Encoding::Json => match bytestring::ByteString::try_from(message) {
                        Ok(text) => Message::Text(text),
                        Err(_) => return,
                    },
                };
                write_frame(codec, frame, buffer);
            }
        }
    }

    /// Writes the answer to a WebSocket ping.
    pub fn write_pong(&mut self, payload: Bytes, buffer: &mut BytesMut) {
        if let Self::WebSocket { codec, .. } = self {
            write_frame(codec, Message::Pong(payload), buffer);
        }
    }

    /// Writes the WebSocket's answer to a close frame, which RFC 6455 demands.
    pub fn write_closed(&mut self, buffer: &mut BytesMut) {
        if let Self::WebSocket { codec, .. } = self {
            write_frame(codec, Message::Close(Some(ws::CloseCode::Normal.into())), buffer);
        }
    }

    /// Writes `bye`, and the WebSocket's close frame.
    pub fn write_close(&mut self, code: CloseCode, buffer: &mut BytesMut) {
        let bye = Bye {
            code: code.number(),
            reason: code.reason().to_owned(),
            reconnect: code.reconnect(),
        };
        let bytes = rpc::notification(self.encoding(), Bye::NAME, &bye);
        self.write(bytes.into(), buffer);
        if let Self::WebSocket { codec, .. } = self {
            let reason = CloseReason {
                code: code.number().into(),
                description: Some(code.reason().to_owned()),
            };
            write_frame(codec, Message::Close(Some(reason)), buffer);
        }
    }
}

/// How long the WebSocket frame at the front of a buffer says that it is; 0 if it has not said yet.
fn announced(buffer: &[u8]) -> u64 {
    match *buffer {
        [_, head, high, low, ..] if head & 0x7f == 126 => u16::from_be_bytes([high, low]).into(),
        [_, head, a, b, c, d, e, f, g, h, ..] if head & 0x7f == 127 => {
            u64::from_be_bytes([a, b, c, d, e, f, g, h])
        }
        // A shorter one is always short enough.
        _ => 0,
    }
}

fn read_frame(
    frame: Frame,
    encoding: Encoding,
    partial: &mut BytesMut,
) -> Result<Incoming, CloseCode> {
    match (frame, encoding) {
        (Frame::Binary(bytes), Encoding::MessagePack) | (Frame::Text(bytes), Encoding::Json) => {
            Ok(Incoming::Message(bytes))
        }
        (Frame::Continuation(item), encoding) => read_continuation(item, encoding, partial),
        (Frame::Ping(payload), _) => Ok(Incoming::Ping(payload)),
        (Frame::Pong(_), _) => Ok(Incoming::Alive),
        (Frame::Close(_), _) => Ok(Incoming::Closed),
        (Frame::Binary(_), Encoding::Json) | (Frame::Text(_), Encoding::MessagePack) => {
            Err(CloseCode::ProtocolError)
        }
    }
}

fn read_continuation(
    item: Item,
    encoding: Encoding,
    partial: &mut BytesMut,
) -> Result<Incoming, CloseCode> {
    let (bytes, last) = match (item, encoding) {
        (Item::FirstBinary(bytes), Encoding::MessagePack)
        | (Item::FirstText(bytes), Encoding::Json) => {
            partial.clear();
            (bytes, false)
        }
        (Item::Continue(bytes), _) => (bytes, false),
        (Item::Last(bytes), _) => (bytes, true),
        _ => return Err(CloseCode::ProtocolError),
    };
    if partial.len() + bytes.len() > MESSAGE_BYTES_MAX {
        return Err(CloseCode::MessageTooLarge);
    }
    partial.extend_from_slice(&bytes);
    if last { Ok(Incoming::Message(std::mem::take(partial).freeze())) } else { Ok(Incoming::Alive) }
}

/// The codec refuses only frames out of order, which this room does not write.
fn write_frame(codec: &mut ws::Codec, frame: Message, buffer: &mut BytesMut) {
    if let Err(error) = codec.encode(frame, buffer) {
        tracing::error!(%error, "a WebSocket frame could not be written");
    }
}

/// The code to close with when a MessagePack stream cannot be followed.
pub const fn close_code(error: ScanError) -> CloseCode {
    match error {
        ScanError::TooLarge | ScanError::TooDeep => CloseCode::MessageTooLarge,
        ScanError::Reserved => CloseCode::ProtocolError,
    }
}
