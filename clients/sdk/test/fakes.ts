// A network and a clock that tests hold in their hands.

import type { Clock } from "../src/clock.ts";
import type { Codec, Message, NotificationMessage, RequestMessage } from "../src/codec.ts";
import { json } from "../src/json.ts";
import type { Methods, Notifications, RpcError } from "../src/protocol.ts";
import type { OpenTransport, TransportHandlers } from "../src/transport.ts";

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  time = 1_700_000_000_000;
  /** What `random` gives. */
  chance = 0.5;
  readonly #timers = new Map<number, { at: number; handler: () => void }>();
  #next = 0;

  /** How far people have set it. */
  set = 0;

  now(): number {
    return this.time + this.set;
  }

  random(): number {
    return this.chance;
  }

  setTimeout(handler: () => void, delay: number): number {
    this.#next += 1;
    this.#timers.set(this.#next, { at: this.time + delay, handler });
    return this.#next;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  /** Lets time pass; what is due happens at its time. */
  pass(duration: number): void {
    const until = this.time + duration;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= until);
      const [next] = due.sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined) {
        break;
      }
      const [id, { at, handler }] = next;
      this.#timers.delete(id);
      this.time = Math.max(this.time, at);
      handler();
    }
    this.time = until;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }
}

/** One connection of the {@link TestNetwork}: the test plays the server. */
export class TestLink {
  readonly sent: Message[] = [];
  readonly url: string;
  readonly subprotocol: string;
  closed = false;
  readonly #handlers: TransportHandlers;
  readonly #codec: Codec;

  constructor(url: string, subprotocol: string, handlers: TransportHandlers, codec: Codec) {
    this.url = url;
    this.subprotocol = subprotocol;
    this.#handlers = handlers;
    this.#codec = codec;
  }

  /** The socket is open. */
  accept(): this {
    this.#handlers.open();
    return this;
  }

  /** The requests of a method, in the order in which they came. */
  requests<M extends keyof Methods>(
    method: M,
  ): (RequestMessage & { params: Methods[M]["params"] })[] {
    return this.sent.filter(
      (message): message is RequestMessage & { params: Methods[M]["params"] } =>
        message.kind === "request" && message.method === method,
    );
  }

  /** The notifications of a method. */
  signals(method: string): NotificationMessage[] {
    return this.sent.filter(
      (message): message is NotificationMessage =>
        message.kind === "notification" && message.method === method,
    );
  }

  /** Answers the latest request of a method. */
  answer<M extends keyof Methods>(method: M, result: Methods[M]["result"]): void {
    this.give({ kind: "response", id: this.#latest(method), result });
  }

  /** Refuses the latest request of a method. */
  refuse(method: keyof Methods, error: Partial<RpcError> & { code: number }): void {
    const { message = "no", retry = false, ...rest } = error;
    const refusal = { message, retry, ...rest };
    this.give({ kind: "response", id: this.#latest(method), error: refusal });
  }

  /** Tells something unasked. */
  push<N extends keyof Notifications>(method: N, params: Notifications[N]): void {
    this.give({ kind: "notification", method, params });
  }

  /** Any message of the server. */
  give(message: Message): void {
    this.#handlers.message(this.#codec.encode(message));
  }

  /** Bytes as they are. */
  raw(data: string | Uint8Array): void {
    this.#handlers.message(data);
  }

  /** The connection ends. */
  drop(code = 0, reason = "lost"): void {
    this.closed = true;
    this.#handlers.close(code, reason);
  }

  #latest(method: keyof Methods): number | string {
    const latest = this.requests(method).at(-1);
    if (latest === undefined) {
      throw new Error(`nobody has asked for ${method}`);
    }
    return latest.id;
  }
}

/** A network whose other end is the test. */
export class TestNetwork {
  readonly links: TestLink[] = [];
  readonly #codec: Codec;

  constructor(codec: Codec = json) {
    this.#codec = codec;
  }

  readonly transport: OpenTransport = (url, subprotocol, handlers) => {
    const link = new TestLink(url, subprotocol, handlers, this.#codec);
    this.links.push(link);
    return {
      send: (data) => {
        if (link.closed) {
          throw new Error("sent on a closed connection");
        }
        link.sent.push(...this.#codec.decode(data));
      },
      close: () => {
        link.closed = true;
      },
      buffered: () => 0,
    };
  };

  /** The connection that was opened last. */
  get link(): TestLink {
    const link = this.links.at(-1);
    if (link === undefined) {
      throw new Error("nobody has connected");
    }
    return link;
  }
}

/** Lets promises and what follows from them happen. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
