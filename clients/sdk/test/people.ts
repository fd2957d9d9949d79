// Who plays in the tests: visitors, operators and bots of a running engine, over every carrier.

import WebSocket from "ws";
import {
  type BotClient,
  type ClientOptions,
  connectBot,
  connectOperator,
  connectVisitor,
  type Event,
  json,
  messagePack,
  type OpenTransport,
  type OperatorClient,
  type OperatorOptions,
  type VisitorClient,
  type VisitorOptions,
  webSocket,
} from "../src/index.ts";
import { tcp } from "../src/node.ts";
import { type Engine, ORIGIN } from "./engine.ts";

/** Which way a client speaks to the engine. */
export type Via = "WebSocket with MessagePack" | "WebSocket with JSON" | "TCP";

/** All of them. */
export const CARRIERS: Via[] = ["WebSocket with MessagePack", "WebSocket with JSON", "TCP"];

/** The package `ws`, with the header that a browser sends from a page of this origin. */
export function webSocketOf(origin: string): OpenTransport {
  return webSocket({
    WebSocket: class extends WebSocket {
      constructor(url: string, subprotocols: string[]) {
        super(url, subprotocols, { headers: { Origin: origin } });
      }
    },
  });
}

/** The options of a carrier. */
export function options(engine: Engine, via: Via = "WebSocket with MessagePack"): ClientOptions {
  return via === "TCP"
    ? { url: `tcp://${engine.tcp}`, transport: tcp }
    : {
        url: engine.ws,
        transport: webSocketOf(ORIGIN),
        codec: via === "WebSocket with JSON" ? json : messagePack,
      };
}

/** A visitor of the site `shop`. */
export function visit(
  engine: Engine,
  via?: Via,
  more: Partial<VisitorOptions> = {},
): VisitorClient {
  return connectVisitor({ ...options(engine, via), site: "shop", ...more });
}

/** An operator of the site `shop`. */
export async function operate(
  engine: Engine,
  id: string,
  via?: Via,
  more: Partial<OperatorOptions> & { rank?: string; name?: string } = {},
): Promise<OperatorClient> {
  const { rank, name, ...rest } = more;
  const named = { ...(rank ? { rank } : {}), ...(name ? { name } : {}) };
  const token = await engine.token("operator", id, named);
  return connectOperator({ ...options(engine, via), token, ...rest });
}

/** A bot of the site `shop`. */
export async function serveBot(engine: Engine, via?: Via): Promise<BotClient> {
  return connectBot({ ...options(engine, via), token: await engine.token("bot", "robo") });
}

/** Somebody who notes down all that they are told of a session. */
export class Notes {
  readonly events: Event[] = [];
  holders: string[] = [];
  caughtUp = 0;
  resets = 0;

  readonly handlers = {
    event: (event: Event) => {
      this.events.push(event);
    },
    control: ({ holder }: { holder: { kind: string; name?: string } }) => {
      this.holders.push(holder.name ?? holder.kind);
    },
    caughtUp: () => {
      this.caughtUp += 1;
    },
    reset: () => {
      this.resets += 1;
      this.events.length = 0;
    },
  };

  /** What was said, in order. */
  get texts(): string[] {
    return this.events.flatMap(({ body }) => (body.type === "message" ? [body.text] : []));
  }

  /** What happened, in order. */
  get types(): string[] {
    return this.events.map(({ body }) => body.type);
  }
}
