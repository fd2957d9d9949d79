// An operator: watches the live list, observes, takes over, answers, hands back.

import { bearing } from "./bearing.ts";
import { Base, type Client, type ClientOptions, type Settled } from "./client.ts";
import type { NotificationMessage } from "./codec.ts";
import type { CallOptions } from "./connection.ts";
import { type AnyFollowHandlers, type FollowHandlers, type Following, Follows } from "./follows.ts";
import { newKey } from "./key.ts";
import type {
  Card,
  Connected,
  Done,
  DraftSignal,
  EventPush,
  HistoryPage,
  Intent,
  Live,
  OperatorCard,
  Past,
  Status,
  TypingSignal,
  Window,
} from "./protocol.ts";
import { optional } from "./text.ts";
import { Throttle, TYPING_INTERVAL_MS } from "./typing.ts";
import type { SayOptions } from "./visitor.ts";
import { type Watch, Watcher, type WatchHandlers } from "./watching.ts";

/** What an operator's client is told when it connects. */
export interface OperatorOptions extends ClientOptions {
  /**
   * The operator's token, or a function that is asked for one: at every connection, and again before
   * it expires. If the function fails it is asked again later; if it throws a `VigieError` whose
   * `retry` is false, the client closes with it. It has 30 seconds.
   */
  token: string | (() => Promise<string>);
}

/** How an operator's message is sent. */
export interface ReplyOptions extends SayOptions {
  /** The last offset that the operator has seen; the guard against answering blind. */
  seen?: number;
  /** Says it although the visitor has said more since `seen`. */
  confirm?: boolean;
}

/** What an operator is told of a followed session. */
export interface ObserveHandlers extends FollowHandlers {
  /** The session's card: once at the beginning of each connection. */
  card?(card: Card): void;
}

/**
 * An operator's side. What changes control is sent once: without a connection, or if it is lost
 * before the answer, it fails with `disconnected`, and the log (or the card) tells what became of it.
 */
export interface OperatorClient extends Client {
  /**
   * Watches a window of the live list. There is one at a time: another call takes the place of the
   * one before, which tells nothing more.
   */
  watch(window: Window, handlers: WatchHandlers): Watch;
  /**
   * Follows a session without the visitor knowing, also over reconnects.
   *
   * @param session - Which one.
   * @param handlers - Who is told.
   * @param after - The last offset that is known already; 0 (the default) for none.
   * @throws {@link VigieError} `full`: 256 sessions are followed already.
   */
  follow(session: string, handlers: ObserveHandlers, after?: number): Following;
  /**
   * Says something in a session that one controls: once, however often it must be sent.
   *
   * @param session - Where.
   * @param text - Plain text, 1 to 16,384 bytes.
   * @throws {@link VigieError}: `not_in_control` (`data`: the control), `unseen` (`data`:
   *   `{head, unseen}`: show what is new, say it again with `confirm` or a newer `seen`; after a
   *   `resync` whatever the visitor has said counts as unseen),
   *   `session_closed`, `key_reused`, `aborted`, `full` or `closed`.
   */
  say(session: string, text: string, options?: ReplyOptions): Promise<Done>;
  /** Writes a note that only operators see; retried like `say`. */
  note(session: string, text: string, options?: SayOptions): Promise<Done>;
  /** Tells that one is typing. Call it with each keystroke: at most four a second are sent. */
  typing(session: string): void;
  /**
   * Takes control: from the bot, or with `force` and a `reason` from another operator (supervisors
   * and admins).
   *
   * @throws {@link VigieError} `held`: another operator is in control; `data` says who, since when.
   */
  takeOver(session: string, options?: { force?: boolean; reason?: string }): Promise<Done>;
  /** Hands a session that one controls back to the bot. */
  release(session: string): Promise<Done>;
  /**
   * Hands a session that one controls to another operator.
   *
   * @throws {@link VigieError} `operator_unavailable`: not connected, or away.
   */
  transfer(session: string, to: string, reason?: string): Promise<Done>;
  /** Supervisors and admins: hands another operator's session back to the bot. */
  revoke(session: string, reason: string): Promise<Done>;
  /** Ends a conversation. */
  closeSession(session: string): Promise<Done>;
  /** The operators who are connected or in control of something, by id. Retried. */
  operators(): Promise<OperatorCard[]>;
  /**
   * Says whether one takes sessions. Retried. It holds for all connections of the operator, and until
   * the last of them is gone: then it is `available` again.
   */
  setIntent(intent: Intent): Promise<void>;
  /**
   * A page of a session's events, without following it. Retried.
   *
   * @param after - Events after this offset; 0 (the default) for all.
   * @param limit - How many at most: 1 to 500; 100 by default.
   */
  history(session: string, after?: number, limit?: number): Promise<HistoryPage>;
  /**
   * The same visitor's other sessions, latest first. Retried.
   *
   * @param options - `before`: only those with a lower ordinal; `limit`: 1 to 20, 3 by default.
   */
  past(session: string, options?: { before?: number; limit?: number }): Promise<Past>;
}

/** Connects as an operator. Begins at once and goes on until it is closed. */
export function connectOperator(options: Settled<OperatorOptions>): OperatorClient {
  return new Operator(options);
}

/** How many sessions are remembered in which the operator has been typing. */
const TYPING_SESSIONS_MAX = 64;

const RETRIED = { policy: "retry" } as const;
const INTENT = { policy: "retry", lane: "intent", latest: true } as const;
const ONCE = { policy: "once" } as const;

class Operator extends Base implements OperatorClient {
  readonly #follows: Follows;
  readonly #typing = new Map<string, Throttle<undefined>>();
  #watcher: Watcher | undefined;
  /** How often the log was another one than before. */
  #resyncs = 0;

  constructor(options: Settled<OperatorOptions>) {
    super(options, ...bearing(options.token));
    this.#follows = new Follows(this.connection);
  }

  watch(window: Window, handlers: WatchHandlers): Watch {
    this.#watcher?.leave();
    this.#watcher = new Watcher(this.connection, window, handlers, this.state.kind === "online");
    return this.#watcher;
  }

  follow(session: string, handlers: AnyFollowHandlers, after = 0): Following {
    return this.#follows.add({ session, offset: after, own: false }, handlers);
  }

  say(session: string, text: string, options: ReplyOptions = {}): Promise<Done> {
    const { key = newKey(), seen, confirm, signal } = options;
    this.#typing.get(session)?.drop();
    const params = optional({ session, key, text, seen, confirm: confirm || undefined });
    if (seen !== undefined) {
      // Read each time that it is sent: of a log that is another one they have seen nothing.
      const resyncs = this.#resyncs;
      const get = () => (resyncs === this.#resyncs ? seen : 0);
      Object.defineProperty(params, "seen", { enumerable: true, get });
    }
    return this.connection.call("send", params, inOrder(session, signal));
  }

  note(session: string, text: string, options: SayOptions = {}): Promise<Done> {
    const { key = newKey(), signal } = options;
    return this.connection.call("note", { session, key, text }, inOrder(session, signal));
  }

  typing(session: string): void {
    let throttle = this.#typing.get(session);
    if (throttle === undefined) {
      throttle = new Throttle(this.clock, TYPING_INTERVAL_MS, () =>
        this.connection.signal("typing", { session }),
      );
      this.#typing.set(session, throttle);
      const [oldest] = this.#typing.keys();
      if (this.#typing.size > TYPING_SESSIONS_MAX && oldest !== undefined) {
        this.#typing.delete(oldest);
      }
    }
    throttle.push(undefined);
  }

  takeOver(session: string, options: { force?: boolean; reason?: string } = {}): Promise<Done> {
    return this.connection.call("take_over", { session, ...options }, ONCE);
  }

  release(session: string): Promise<Done> {
    return this.connection.call("release", { session }, ONCE);
  }

  transfer(session: string, to: string, reason?: string): Promise<Done> {
    return this.connection.call("transfer", optional({ session, to, reason }), ONCE);
  }

  revoke(session: string, reason: string): Promise<Done> {
    return this.connection.call("revoke", { session, reason }, ONCE);
  }

  closeSession(session: string): Promise<Done> {
    return this.connection.call("close", { session }, ONCE);
  }

  async operators(): Promise<OperatorCard[]> {
    const { operators } = await this.connection.call("operators", {}, RETRIED);
    return operators;
  }

  async setIntent(intent: Intent): Promise<void> {
    await this.connection.call("set_intent", { intent }, INTENT);
  }

  history(session: string, after = 0, limit = 0): Promise<HistoryPage> {
    return this.connection.call("history", { session, after, limit }, RETRIED);
  }

  past(session: string, options: { before?: number; limit?: number } = {}): Promise<Past> {
    return this.connection.call("past", { session, ...options }, RETRIED);
  }

  protected override connected({ generation }: Connected, resync: boolean): void {
    if (resync) {
      this.#resyncs += 1;
      this.emit("resync", { generation });
    }
    this.#follows.connected(undefined, resync);
    this.#watcher?.connected();
  }

  protected override disconnected(): void {
    this.#follows.disconnected();
    this.#watcher?.disconnected();
  }

  protected override push({ method, params }: NotificationMessage): void {
    switch (method) {
      case "event":
        this.#follows.event(params as EventPush);
        return;
      case "live":
        this.#watcher?.live(params as Live);
        return;
      case "typing":
      case "draft":
      case "status":
        this.emit(method, params as TypingSignal & DraftSignal & Status);
        return;
    }
  }
}

/** What is said in a session is said in order, and goes on being said until it is answered. */
function inOrder(session: string, signal: AbortSignal | undefined): CallOptions {
  return optional<CallOptions>({ policy: "retry", lane: session, signal });
}
