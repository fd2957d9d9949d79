// WebSocket as a transport: the platform's, or one that is given.

import { VigieError } from "./errors.ts";
import type { OpenTransport } from "./transport.ts";

/** What is needed of a WebSocket: browsers, Node 22 and the package `ws` have it. */
export interface WebSocketLike {
  /** How binary messages come; this client sets `arraybuffer`. */
  binaryType: string;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  /** Called when it is open. */
  onopen: ((event: never) => unknown) | null;
  /** Called with each message. */
  onmessage: ((event: never) => unknown) | null;
  /** Called when it has ended. */
  onclose: ((event: never) => unknown) | null;
  /** Called before `onclose` if it broke. */
  onerror: ((event: never) => unknown) | null;
  /** Sends one message. */
  send(data: Uint8Array<ArrayBuffer> | string): void;
  /** Ends it. */
  close(code?: number): void;
}

/** Makes a WebSocket. */
export type WebSocketConstructor = new (url: string, subprotocols: string[]) => WebSocketLike;

/** The close code of somebody who leaves because they want to. */
const NORMAL_CLOSURE = 1000;

/**
 * A transport over WebSocket.
 *
 * @param options - `WebSocket`: the class to use instead of the platform's. Node before 22 has none:
 *   give it the one of the package `ws`.
 */
export function webSocket(options: { WebSocket?: WebSocketConstructor } = {}): OpenTransport {
  return (url, subprotocol, handlers) => {
    const Socket = options.WebSocket ?? (globalThis.WebSocket as WebSocketConstructor | undefined);
    if (Socket === undefined) {
      throw new VigieError(
        "unsupported",
        "no WebSocket here: as transport give webSocket({ WebSocket }) with that of the package ws",
      );
    }
    const socket = construct(Socket, url, subprotocol);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => handlers.open();
    socket.onmessage = ({ data }: { data: unknown }) =>
      handlers.message(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
    socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      handlers.close(code, reason || "the connection was lost");
    // `close` follows and says all that may be known.
    socket.onerror = () => {};
    return {
      send: (data) => socket.send(data as Uint8Array<ArrayBuffer> | string),
      close: () => socket.close(NORMAL_CLOSURE),
      buffered: () => socket.bufferedAmount,
    };
  };
}

function construct(Socket: WebSocketConstructor, url: string, subprotocol: string): WebSocketLike {
  try {
    return new Socket(url, [subprotocol]);
  } catch (cause) {
    throw new VigieError("unsupported", `cannot connect to ${url}: ${String(cause)}`, { cause });
  }
}
