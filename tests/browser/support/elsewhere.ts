// A site of its own, apart from the engine: one page, under the strictest policy that lets the
// widget in, as a customer's site would have it.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export class Elsewhere {
  readonly #server: Server;

  /** Opens the site; its page loads the widget from `engine`. */
  static async open(engine: string): Promise<Elsewhere> {
    const socket = engine.replace(/^http/, "ws");
    const policy = [
      "default-src 'none'",
      `script-src ${engine}`,
      `connect-src ${engine} ${socket}`,
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
    ].join("; ");
    const page = `<!doctype html><html lang="en"><title>Elsewhere</title><main><h1>Another site</h1></main>
      <script src="${engine}/widget.js" data-site="demo" data-visitor-plan="gold" async></script></html>`;
    const server = createServer((_, response) => {
      response.writeHead(200, {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
      });
      response.end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Elsewhere(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
