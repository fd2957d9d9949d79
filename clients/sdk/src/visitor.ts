// A visitor: one session at a time, their own.

import { Base, type Client, type ClientOptions, type Settled } from "./client.ts";
import type { NotificationMessage } from "./codec.ts";
import { type CallOptions, safely } from "./connection.ts";
import { type FollowHandlers, type Following, Follows, type Position } from "./follows.ts";
import { newKey } from "./key.ts";
import type {
  Connected,
  ConnectParams,
  Done,
  EventPush,
  HistoryPage,
  Page,
  Status,
  TypingSignal,
} from "./protocol.ts";
import { cut, cutPage, LINE_BYTES_MAX, optional } from "./text.ts";
import { Throttle, TYPING_INTERVAL_MS } from "./typing.ts";

/** What a visitor's client is told when it connects. */
export interface VisitorOptions extends ClientOptions {
  /** The site's public key. */
  site: string;
  /** The private token that `onResume` gave last; without it, or empty, the visitor is a new one. */
  resume?: string;
  /** Gives the token to keep in private storage, by site, until the next one: at every connection. */
  onResume?(token: string): void;
  /** The page that the visitor is on. */
  page?: Page;
  /** The page that led to the site. */
  referrer?: string;
  /** The visitor's language, BCP 47; by default what the browser says to the engine. */
  language?: string;
  /** Over TCP: the visitor's User-Agent. */
  device?: string;
  /** What the page says of the visitor: at most 16 entries, keys of 64 and values of 256 bytes. */
  data?: Record<string, string>;
}

/** How a message is sent. */
export interface SayOptions {
  /** Names the message over all its retries; a new random one by default. */
  key?: string;
  /** Aborts the sending. A message that has left may be said all the same. */
  signal?: AbortSignal;
}

/** A visitor's side of their conversation. */
export interface VisitorClient extends Client {
  /** The visitor's session; undefined before the first connection. May change, see `session`. */
  readonly session: string | undefined;
  /**
   * Tells of everything that happens in the visitor's session, also over reconnects, and goes on in
   * the next session if that one is closed (after `reset`).
   *
   * @param handlers - Who is told.
   * @param after - What is known already. With an offset alone it is one of the session that the
   *   visitor is in then; with a {@link Position}, `reset` tells if they are in another one.
   * @throws {@link VigieError} `full`: too many sessions are followed already.
   */
  follow(handlers: FollowHandlers, after?: number | Position): Following;
  /**
   * Says something: once, however often it must be sent. Messages are said in the order in which this
   * was called. In a closed session it is said in a new one.
   *
   * @param text - Plain text, 1 to 16,384 bytes.
   * @returns Where it stands in the log, when it is committed.
   * @throws {@link VigieError}: refused for good (`invalid_params`, `key_reused`, `session_full`),
   *   `aborted`, `full` (256 calls wait already) or `closed`.
   */
  say(text: string, options?: SayOptions): Promise<Done>;
  /** Asks for a human. Asking again does nothing more. Retried until it is answered. */
  requestHuman(): Promise<Done>;
  /**
   * Tells operators what the visitor has typed so far; an empty text says that they stopped. Call it
   * with each keystroke: at most four signals a second are sent. May be lost.
   */
  typing(text?: string): void;
  /**
   * Tells which page the visitor is on now. Retried; address and title are cut to 2,048 bytes.
   *
   * @throws {@link VigieError} `aborted`: it could not be sent before the visitor opened another one.
   */
  viewPage(page: Page): Promise<Done>;
  /**
   * Replaces what the page says of the visitor. Retried; bounds as in {@link VisitorOptions}.
   *
   * @throws {@link VigieError} `aborted`: it could not be sent before it was replaced again.
   */
  setData(data: Record<string, string>): Promise<Done>;
  /**
   * Rates the conversation, also after its end. The latest counts.
   *
   * @param score - 1 (bad) to 5 (good).
   * @param comment - At most 2,048 bytes.
   * @throws {@link VigieError} `session_closed`: after a reconnect the visitor is in another session.
   */
  rate(score: number, comment?: string): Promise<Done>;
  /**
   * Ends the conversation.
   *
   * @throws {@link VigieError} `session_closed`: it is ended already.
   */
  endSession(): Promise<Done>;
  /**
   * Connects anew. If the session is closed, that starts a new one, without anything being said.
   *
   * @returns The session that the visitor is in then.
   */
  startSession(): Promise<string>;
  /**
   * A page of the session's events.
   *
   * @param after - Events after this offset; 0 (the default) for all.
   * @param limit - How many at most: 1 to 500; 100 by default.
   */
  history(after?: number, limit?: number): Promise<HistoryPage>;
}

/** Connects as a visitor of a site. Begins at once and goes on until it is closed. */
export function connectVisitor(options: Settled<VisitorOptions>): VisitorClient {
  return new Visitor(options);
}

const RETRIED = { policy: "retry" } as const;

/** Of what says how things are now, only the last counts. */
const latest = (lane: string): CallOptions => ({ policy: "retry", lane, latest: true });

class Visitor extends Base implements VisitorClient {
  readonly #onResume: ((token: string) => void) | undefined;
  readonly #follows: Follows;
  readonly #typing: Throttle<string | undefined>;
  #session: string | undefined;

  constructor(options: Settled<VisitorOptions>) {
    const { site, resume, page, referrer, language, device, data } = options;
    const connect = optional<Partial<ConnectParams>>({
      site,
      resume: resume || undefined,
      device,
      data,
      page: page && cutPage(page),
      referrer: referrer ? cut(referrer, LINE_BYTES_MAX) : undefined,
      language: language || undefined,
    });
    super(options, connect);
    this.#onResume = options.onResume;
    this.#follows = new Follows(this.connection);
    this.#typing = new Throttle(this.clock, TYPING_INTERVAL_MS, (text) =>
      this.connection.signal("typing", optional({ text })),
    );
  }

  get session(): string | undefined {
    return this.#session;
  }

  follow(handlers: FollowHandlers, after: number | Position = 0): Following {
    const position = typeof after === "number" ? { offset: after } : after;
    return this.#follows.add({ ...position, own: true }, handlers);
  }

  say(text: string, { key = newKey(), signal }: SayOptions = {}): Promise<Done> {
    this.#typing.drop();
    const options = optional<CallOptions>({ policy: "retry", lane: "say", renews: true, signal });
    return this.connection.call("send", { key, text }, options);
  }

  requestHuman(): Promise<Done> {
    return this.connection.call("request_human", {}, RETRIED);
  }

  typing(text?: string): void {
    this.#typing.push(text);
  }

  viewPage(page: Page): Promise<Done> {
    const params = cutPage(page);
    const done = this.connection.call("page", params, latest("page"));
    return this.#described(done, { page: params });
  }

  setData(data: Record<string, string>): Promise<Done> {
    const done = this.connection.call("set_data", { data }, latest("data"));
    return this.#described(done, { data });
  }

  rate(score: number, comment?: string): Promise<Done> {
    return this.connection.call("rate", optional({ score, comment }), {
      ...this.#here(),
      lane: "rate",
    });
  }

  endSession(): Promise<Done> {
    return this.connection.call("close", {}, this.#here());
  }

  async startSession(): Promise<string> {
    // Should this be called while something is being told, the state changes after that.
    await Promise.resolve();
    this.connection.feed({ kind: "renew", reason: "a new session is wanted" });
    await this.ready();
    return this.#session ?? "";
  }

  history(after = 0, limit = 0): Promise<HistoryPage> {
    return this.connection.call("history", { after, limit }, RETRIED);
  }

  protected override connected({ identity }: Connected, resync: boolean): void {
    if (identity.role !== "visitor") {
      return;
    }
    const { session, resume } = identity;
    safely(() => this.#onResume?.(resume));
    const moved = session !== this.#session;
    this.#session = session;
    this.#follows.connected(session, resync);
    if (moved) {
      this.emit("session", { session });
    }
  }

  protected override disconnected(): void {
    this.#follows.disconnected();
  }

  protected override push({ method, params }: NotificationMessage): void {
    if (method === "event") {
      this.#follows.event(params as EventPush);
    } else if (method === "typing" || method === "status") {
      this.emit(method, params as TypingSignal & Status);
    }
  }

  /** The next connections say it too; not what was refused, or they would be refused as well. */
  async #described(done: Promise<Done>, connect: Partial<ConnectParams>): Promise<Done> {
    await done;
    this.connection.feed({ kind: "describe", connect });
    return done;
  }

  /** For what is meant for the present session and no other. */
  #here(): CallOptions {
    return optional<CallOptions>({ policy: "retry", place: this.#session });
  }
}
