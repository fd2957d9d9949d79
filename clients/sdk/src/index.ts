/**
 * A client of the Vigie protocol for visitors, operators and bots, in browsers and Node.
 *
 * @module
 */

import * as core from "./core.ts";
import { messagePack } from "./messagepack.ts";

export * from "./core.ts";
export { messagePack } from "./messagepack.ts";

/** Connects as a visitor of a site. Begins at once and goes on until it is closed. */
export function connectVisitor(options: core.VisitorOptions): core.VisitorClient {
  return core.connectVisitor({ codec: messagePack, ...options });
}

/** Connects as an operator. Begins at once and goes on until it is closed. */
export function connectOperator(options: core.OperatorOptions): core.OperatorClient {
  return core.connectOperator({ codec: messagePack, ...options });
}

/** Connects as a bot. Begins at once and goes on until it is closed. */
export function connectBot(options: core.BotOptions): core.BotClient {
  return core.connectBot({ codec: messagePack, ...options });
}
