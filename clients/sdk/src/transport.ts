// The narrow door to the network: something opens, messages go in and out, it closes.

/** An open (or opening) connection, as the client uses it. */
export interface Transport {
  /** Hands over one encoded message. Called only between `open` and `close` of the handlers. */
  send(data: Uint8Array | string): void;
  /** Ends the connection. May be called at any time, and more than once. */
  close(): void;
  /** How many bytes wait to be sent. */
  buffered(): number;
}

/** What a transport tells the client. Nothing is told before the transport was returned. */
export interface TransportHandlers {
  /** It is open. */
  open(): void;
  /** A message came: text or bytes, whole. */
  message(data: Uint8Array | string): void;
  /** Bytes came that are no whole message yet: a sign of life. */
  alive(): void;
  /** It has ended: with the WebSocket's close code (0 if there is none) and a reason for humans. */
  close(code: number, reason: string): void;
}

/**
 * Opens a connection.
 *
 * @param url - Where to.
 * @param subprotocol - The WebSocket subprotocol of the codec in use.
 * @param handlers - Whom to tell.
 * @throws A `VigieError` if it can never be opened: a malformed address, a missing WebSocket.
 */
export type OpenTransport = (
  url: string,
  subprotocol: string,
  handlers: TransportHandlers,
) => Transport;
