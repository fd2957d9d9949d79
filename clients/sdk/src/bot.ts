// A bot: answers the turns that the server asks of it.

import { bearing } from "./bearing.ts";
import { Base, type Client, type ClientOptions, type Settled } from "./client.ts";
import type { NotificationMessage } from "./codec.ts";
import { safely } from "./connection.ts";
import { VigieError } from "./errors.ts";
import type {
  Choice,
  Connected,
  Done,
  HandedBack,
  Methods,
  Status,
  Turn,
  TurnRevoked,
} from "./protocol.ts";
import { cut, LINE_BYTES_MAX, optional } from "./text.ts";
import { DRAFT_INTERVAL_MS, Throttle } from "./typing.ts";

/** What a bot's client is told when it connects. */
export interface BotOptions extends ClientOptions {
  /**
   * The bot's token, or a function that is asked for one: at every connection, and again before it
   * expires. If the function fails it is asked again later; if it throws a `VigieError` whose
   * `retry` is false, the client closes with it. It has 30 seconds.
   */
  token: string | (() => Promise<string>);
}

/** What a bot does. */
export interface BotHandlers {
  /**
   * A visitor waits for an answer. If it throws (or its promise is rejected), the turn is given up
   * with the error's message as the reason; so give `reply.signal` to whatever takes long.
   */
  turn(turn: Turn, reply: TurnReply): void | Promise<void>;
  /** A turn is no longer wanted; its `reply.signal` was aborted just before. */
  revoked?(turn: TurnRevoked): void;
  /** A human handed a session back; `messages` is what was said meanwhile. */
  handedBack?(handed: HandedBack): void;
}

/** How a turn is answered. */
export interface TurnReply {
  /** Aborted when the turn is no longer wanted, or was answered or given up. */
  readonly signal: AbortSignal;
  /** Shows operators what the answer looks like so far: the whole text. May be lost. */
  draft(text: string): void;
  /**
   * Answers. Retried until the server has taken or refused it, also over reconnects.
   *
   * @param text - Plain text, 1 to 16,384 bytes.
   * @param choices - Follow-ups for the visitor: at most 10, with labels of 1 to 200 bytes.
   * @throws {@link VigieError} `stale_epoch` or `stale_turn`: the turn is no longer wanted (which is
   *   known without asking the server once `signal` is aborted). That is no
   *   fault; a handler may let it through. Who does not wait for the promise hears of other errors by
   *   the event `error`.
   */
  answer(text: string, choices?: Choice[]): Promise<Done>;
  /** Gives the turn up, at once; `reason` is for operators. Retried like `answer`. */
  fail(reason?: string): Promise<Done>;
}

/** A bot's side. */
export interface BotClient extends Client {
  /**
   * Begins to take turns, and goes on after each reconnect. Another call changes the handlers.
   */
  serve(handlers: BotHandlers): void;
}

/** Connects as a bot. Begins at once and goes on until it is closed. */
export function connectBot(options: Settled<BotOptions>): BotClient {
  return new Bot(options);
}

/** A turn that is being worked on. */
interface Work {
  turn: Turn;
  abort: AbortController;
  timer: unknown;
}

class Bot extends Base implements BotClient {
  /** By session: a session has one open turn at most. */
  readonly #work = new Map<string, Work>();
  #handlers: BotHandlers | undefined;

  constructor(options: Settled<BotOptions>) {
    super(options, ...bearing(options.token));
    this.on("state", ({ kind }) => {
      if (kind === "closed") {
        this.#endAll();
      }
    });
  }

  serve(handlers: BotHandlers): void {
    const serves = this.#handlers !== undefined;
    this.#handlers = handlers;
    if (!serves && this.state.kind === "online") {
      this.#serve();
    }
  }

  protected override connected({ generation }: Connected, resync: boolean): void {
    if (resync) {
      // Those that are open are asked anew; an answer of before would be one to another question.
      this.#endAll();
      this.emit("resync", { generation });
    }
    this.#serve();
  }

  protected override disconnected(): void {
    // Turns stay open: an answer is taken on the next connection as well.
  }

  protected override push({ method, params }: NotificationMessage): void {
    switch (method) {
      case "turn":
        this.#begin(params as Turn);
        return;
      case "turn_revoked":
        this.#revoked(params as TurnRevoked);
        return;
      case "status":
        this.emit(method, params as Status);
        return;
      case "handed_back":
        safely(() => this.#handlers?.handedBack?.(params as HandedBack));
        return;
    }
  }

  #serve(): void {
    if (this.#handlers !== undefined) {
      this.connection.start("serve", {}, { policy: "link" }, ({ error }) => {
        if (error !== undefined && error.name !== "disconnected") {
          this.emit("error", { method: "serve", error });
        }
      });
    }
  }

  #begin(turn: Turn): void {
    const known = this.#work.get(turn.session);
    if (known !== undefined) {
      if (known.turn.turn === turn.turn && known.turn.epoch === turn.epoch) {
        // It is asked of us again, on another connection: the work goes on.
        this.#setTimer(known, turn.timeout);
        return;
      }
      this.#end(known);
    }
    const work: Work = { turn, abort: new AbortController(), timer: undefined };
    this.#work.set(turn.session, work);
    this.#setTimer(work, turn.timeout);
    const reply = this.#reply(work);
    const handled = new Promise<void>((resolve) => resolve(this.#handlers?.turn(turn, reply)));
    handled.catch((thrown: unknown) => {
      if (!isStale(thrown) && !reply.signal.aborted) {
        const reason = thrown instanceof Error ? thrown.message : String(thrown);
        reply.fail(reason).catch(() => {});
      }
    });
  }

  #reply(work: Work): TurnReply {
    const { turn, abort } = work;
    const { session, epoch } = turn;
    const open = { session, epoch, turn: turn.turn };
    const drafts = new Throttle<string>(this.clock, DRAFT_INTERVAL_MS, (text) => {
      if (!abort.signal.aborted) {
        this.connection.signal("draft", { ...open, text });
      }
    });
    const finish = <M extends "answer" | "fail">(
      method: M,
      params: Methods[M]["params"],
    ): Promise<Done> => {
      drafts.drop();
      const over = () => new VigieError("stale_turn", "not sent: the turn is over");
      if (abort.signal.aborted) {
        return Promise.reject(over());
      }
      const place = String(this.generation);
      const answered = this.connection
        .call(method, params, { policy: "retry", lane: session, place })
        // By this client: the log that the turn was of is no more.
        .catch((error: VigieError) => Promise.reject(isElsewhere(error) ? over() : error));
      answered
        .catch((error: VigieError) => isStale(error) || this.emit("error", { method, error }))
        .finally(() => this.#end(work));
      return answered;
    };
    return {
      signal: abort.signal,
      draft: (text) => drafts.push(text),
      answer: (text, choices) => finish("answer", optional({ ...open, text, choices })),
      fail(reason) {
        const said = reason?.trim() ? cut(reason, LINE_BYTES_MAX) : undefined;
        return finish("fail", optional({ ...open, reason: said }));
      },
    };
  }

  #revoked(revoked: TurnRevoked): void {
    const work = this.#work.get(revoked.session);
    if (work?.turn.turn === revoked.turn) {
      this.#end(work);
    }
    safely(() => this.#handlers?.revoked?.(revoked));
  }

  #endAll(): void {
    this.#work.forEach((work) => {
      this.#end(work);
    });
  }

  /** Nobody waits for an answer to this any more. */
  #end(work: Work): void {
    if (this.#work.get(work.turn.session) === work) {
      this.#work.delete(work.turn.session);
      this.clock.clearTimeout(work.timer);
      work.abort.abort();
    }
  }

  /** Should the server be gone for good, the turn ends by itself. */
  #setTimer(work: Work, timeout: number): void {
    this.clock.clearTimeout(work.timer);
    work.timer = this.clock.setTimeout(() => this.#end(work), timeout);
  }
}

function isElsewhere({ name, code }: VigieError): boolean {
  return name === "session_closed" && code === 0;
}

function isStale(thrown: unknown): boolean {
  return thrown instanceof VigieError && thrown.name.startsWith("stale_");
}
