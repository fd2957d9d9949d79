/**
 * What only Node has: plain TCP.
 *
 * @module
 */

import { connect } from "node:net";
import { VigieError } from "./errors.ts";
import { Scanner } from "./scanner.ts";
import type { OpenTransport } from "./transport.ts";

/**
 * A transport over plain TCP, for addresses like `tcp://127.0.0.1:8090`. Speaks MessagePack only.
 *
 * ```ts
 * connectBot({ url: "tcp://127.0.0.1:8090", transport: tcp, token });
 * ```
 */
export const tcp: OpenTransport = (url, subprotocol, handlers) => {
  const { host, port } = address(url);
  if (subprotocol !== "vigie.v1.msgpack") {
    throw new VigieError("unsupported", "over TCP the engine speaks MessagePack: use messagePack");
  }
  const scanner = new Scanner();
  let reason = "the connection was lost";
  const socket = connect({ host, port, noDelay: true });
  socket.on("connect", () => handlers.open());
  socket.on("data", (piece) => {
    handlers.alive();
    try {
      for (const message of scanner.push(piece)) {
        handlers.message(message);
      }
    } catch (problem) {
      reason = `the server sent what is no message: ${(problem as Error).message}`;
      socket.destroy();
    }
  });
  socket.on("error", (problem) => {
    reason = problem.message;
  });
  socket.on("close", () => handlers.close(0, reason));
  return {
    send: (data) => socket.write(data),
    close: () => socket.end(() => socket.destroySoon()),
    buffered: () => socket.writableLength,
  };
};

function address(url: string): { host: string; port: number } {
  const [, host, port] = /^tcp:\/\/(\[[^\]]+\]|[^:/[\]]+):(\d{1,5})$/.exec(url) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new VigieError("unsupported", `"${url}" is no address like tcp://127.0.0.1:8090`);
  }
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}
