// A way into the engine that can be cut: a TCP proxy, so that neither end knows of it. It also says
// where the client comes from, as a reverse proxy does, so that visitors may have countries.

import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";

const HEAD_BYTES_MAX = 64 * 1024;

export class Door {
  /** The address that clients seem to have from now on: new connections say it. */
  from: string | undefined;
  readonly port: number;

  readonly #server: Server;
  readonly #open: Set<Socket>;
  #cut = false;

  static async open(target: number): Promise<Door> {
    const open = new Set<Socket>();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Door(server, open, target);
  }

  private constructor(server: Server, open: Set<Socket>, target: number) {
    this.#server = server;
    this.#open = open;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => this.#pass(client, target));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Every connection breaks, and none is made until {@link restore}. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  restore(): void {
    this.#cut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(client: Socket, target: number): void {
    if (this.#cut) {
      client.resetAndDestroy();
      return;
    }
    const engine = connect(target, "127.0.0.1");
    for (const [socket, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      this.#open.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#open.delete(socket);
        other.destroy();
      });
    }
    engine.pipe(client);
    this.#announce(client, engine);
  }

  /** Passes on what the client says, with its address in the head of its first request. */
  #announce(client: Socket, engine: Socket): void {
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n");
      if (end < 0 && head.length < HEAD_BYTES_MAX) return;
      client.off("data", read);
      const line = this.from && end >= 0 ? `\r\nX-Forwarded-For: ${this.from}` : "";
      const at = Math.max(end, 0);
      engine.write(Buffer.concat([head.subarray(0, at), Buffer.from(line), head.subarray(at)]));
      client.pipe(engine);
    };
    client.on("data", read);
  }
}
