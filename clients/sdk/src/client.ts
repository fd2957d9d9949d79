// What clients of all roles have in common: options, state, events, the life of a connection.

import { type Clock, systemClock } from "./clock.ts";
import type { Codec, NotificationMessage } from "./codec.ts";
import { Connection, problem, safely, type TokenSource } from "./connection.ts";
import { VigieError } from "./errors.ts";
import type {
  Connected,
  ConnectParams,
  DraftSignal,
  Identity,
  Problem,
  Status,
  TypingSignal,
} from "./protocol.ts";
import type { ConnectionState } from "./state.ts";
import type { OpenTransport } from "./transport.ts";
import { webSocket } from "./websocket.ts";

/** The version of the protocol that this client speaks. */
export const PROTOCOL_VERSION = 1;

/** What `agent` says of a program that says nothing. */
export const AGENT = "vigie-client-js/0.1.0";

/** What clients of every role are told when they connect. */
export interface ClientOptions {
  /** Where the engine is: `ws://host/ws`, `wss://host/ws`, or `tcp://host:port` over `tcp`. */
  url: string;
  /** How messages are written: `messagePack` (the default) or `json`. */
  codec?: Codec;
  /** What messages travel on: the platform's WebSocket by default. */
  transport?: OpenTransport;
  /** The program's own name and version, such as `acme-desk/2.1`; at most 2,048 bytes. */
  agent?: string;
  /**
   * The `generation` of an earlier client, if offsets that it told of are given to this one: then
   * `resync` tells if they mean nothing any more.
   */
  generation?: number;
  /** Time and chance; for tests. */
  clock?: Clock;
}

/** What a client tells of, by name; see {@link Client.on}. */
export interface Events {
  /** The connection's state has changed. */
  state: ConnectionState;
  /** Visitors: they are in another session now (or in their first one). */
  session: SessionChange;
  /**
   * Somebody is typing in a followed session. `text` is for operators: what the visitor has typed so
   * far, empty when they stopped. Take the mark down after 6 seconds without another one.
   */
  typing: TypingSignal;
  /** Operators: what the bot's answer looks like so far, always whole. */
  draft: DraftSignal;
  /**
   * Operators and bots: the server's log is of another generation than before, after a loss.
   * Whatever was told of sessions is void: each follower is told so by its `reset` (visitors by that
   * alone), and then everything from the first event. What is not acknowledged is sent on; what was
   * acknowledged may be in no log any more.
   */
  resync: Resync;
  /**
   * The server does not hear the rest of its cluster (`degraded`), or does so again. Until it does,
   * what is told may be late; what is said is tried until it is taken. Each new connection is well
   * until it is told otherwise.
   */
  status: Status;
  /** Something that was sent without waiting for an answer (typing, a draft) was refused. */
  error: SignalError;
}

/** A visitor is in another session. */
export interface SessionChange {
  /** Which one. */
  session: string;
}

/** The server's log is another one. */
export interface Resync {
  /** Its generation; undefined for a server that stands alone. */
  generation: number | undefined;
}

/** Something that nobody waits for was refused. */
export interface SignalError {
  /** What was sent; empty if the server could not tell. */
  method: string;
  /** Why it was refused. */
  error: VigieError;
}

/** What clients of every role can do. */
export interface Client {
  /** How the connection is now. */
  readonly state: ConnectionState;
  /** The generation of the server's log; undefined before the first connection, and without a cluster. */
  readonly generation: number | undefined;
  /**
   * Calls `handler` with every such event from now on; not with the state that is already there.
   *
   * @returns A function that ends it.
   */
  on<E extends keyof Events>(event: E, handler: (value: Events[E]) => void): () => void;
  /**
   * Waits until the client is online.
   *
   * @throws {@link VigieError}: the client was closed for good; its name says why.
   */
  ready(): Promise<Identity>;
  /** While `waiting`: makes the next attempt now. */
  retryNow(): void;
  /**
   * Asks the token function for a new token and presents it on the open connection: a new display
   * name or expiry holds from then on.
   *
   * @throws {@link VigieError} `unsupported` if the token is no function, `disconnected` if the
   *   client is not online (then the next connection asks anyway), or what the server refuses.
   */
  refreshToken(): Promise<void>;
  /** Ends the connection for good. What waits for an answer fails with `closed`. */
  close(): void;
}

/** The options of a client whose codec is settled. */
export type Settled<Options extends ClientOptions> = Options & {
  /** How messages are written. */
  codec: Codec;
};

/** The common part; each role adds its own. */
export abstract class Base implements Client {
  protected readonly connection: Connection;
  protected readonly clock: Clock;
  #state: ConnectionState = { kind: "connecting", attempt: 1 };
  #generation: number | undefined;
  readonly #handlers = new Map<keyof Events, Set<(value: never) => void>>();

  constructor(
    options: Settled<ClientOptions>,
    connect: Partial<ConnectParams>,
    tokens?: TokenSource,
  ) {
    const { url, codec, transport, agent = AGENT, generation, clock = systemClock } = options;
    this.clock = clock;
    this.connection = new Connection({
      url,
      codec,
      clock,
      transport: transport ?? webSocket(),
      connect: { protocol: PROTOCOL_VERSION, agent, ...connect },
      generation,
      tokens,
      hooks: {
        connected: (connected, resync) => {
          this.#generation = connected.generation;
          this.connected(connected, resync);
        },
        state: (state) => this.#changed(state),
        push: (push) => {
          if (push.method === "error") {
            this.emit("error", problem(push.params as Problem));
          } else {
            this.push(push);
          }
        },
      },
    });
    // Whoever is given the client can listen before anything happens.
    queueMicrotask(() => this.connection.feed({ kind: "start" }));
  }

  /** A connection stands: put back what the one before it had, if it is of the same log. */
  protected abstract connected(connected: Connected, resync: boolean): void;

  /** It is gone. */
  protected abstract disconnected(): void;

  /** Something came unasked. */
  protected abstract push(push: NotificationMessage): void;

  get state(): ConnectionState {
    return this.#state;
  }

  get generation(): number | undefined {
    return this.#generation;
  }

  on<E extends keyof Events>(event: E, handler: (value: Events[E]) => void): () => void {
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers);
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  protected emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) {
      safely(() => handler(value as never));
    }
  }

  ready(): Promise<Identity> {
    return new Promise((resolve, reject) => {
      const look = (state: ConnectionState): boolean => {
        if (state.kind === "online") {
          resolve(state.identity);
        } else if (state.kind === "closed") {
          reject(state.error ?? new VigieError("closed", state.reason));
        }
        return state.kind === "online" || state.kind === "closed";
      };
      if (!look(this.#state)) {
        const off = this.on("state", (state) => look(state) && off());
      }
    });
  }

  retryNow(): void {
    this.connection.feed({ kind: "retry_now" });
  }

  refreshToken(): Promise<void> {
    return new Promise((resolve, reject) => {
      const call = this.connection.expect(({ error }) => (error ? reject(error) : resolve()));
      this.connection.feed({ kind: "refresh", call });
    });
  }

  close(): void {
    this.connection.feed({ kind: "close" });
  }

  #changed(state: ConnectionState): void {
    if (this.#state.kind === "online") {
      this.disconnected();
    }
    this.#state = state;
    this.emit("state", state);
  }
}
