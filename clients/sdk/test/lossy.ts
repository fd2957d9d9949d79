// A network between client and engine that can lose one direction.

import { connect, createServer, type Server, type Socket } from "node:net";

/** Passes on what comes; told to, it swallows what the engine says, and the sockets stay open. */
export class LossyNetwork {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Whether what the engine says is swallowed. */
  deaf = false;
  /** How many connections were made. */
  connections = 0;

  private constructor(target: string) {
    const [host, port] = target.split(":");
    this.#server = createServer((client) => {
      this.connections += 1;
      const engine = connect({ host: host ?? "", port: Number(port) });
      client.pipe(engine);
      engine.on("data", (data) => {
        if (!this.deaf) {
          client.write(data);
        }
      });
      for (const [one, other] of [
        [client, engine],
        [engine, client],
      ] as const) {
        this.#sockets.add(one);
        one.on("error", () => {});
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
    });
  }

  /** Begins to pass on to `host:port`. */
  static async to(target: string): Promise<LossyNetwork> {
    const proxy = new LossyNetwork(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** Where it listens. */
  get address(): string {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
  }

  /** Ends every connection and listens no more. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }
}
