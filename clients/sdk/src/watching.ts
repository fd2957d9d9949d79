// The live list that an operator watches: one window, put back after every loss, moved at will.

import { type Connection, safely } from "./connection.ts";
import type { VigieError } from "./errors.ts";
import { Revision } from "./follow.ts";
import { changed, type LiveView, snapshot } from "./live.ts";
import type { Outcome } from "./outbox.ts";
import type { Alert, Live, Watching, Window } from "./protocol.ts";

/** Who is told of a watched window. */
export interface WatchHandlers {
  /** The view is another one: cards, totals or window. */
  change(view: LiveView): void;
  /** Something rings that the window's `alerts` asked for. */
  alert?(alert: Alert): void;
  /** Whatever rings for that session stops: somebody has taken it over, or it is gone. */
  quiet?(session: string): void;
  /** The window was refused; another one may be moved to. */
  failed?(error: VigieError): void;
}

/** A window of the live list that is being watched. */
export interface Watch {
  /** The window as it is now; undefined until the first snapshot. */
  readonly view: LiveView | undefined;
  /**
   * Watches another window from now on: another filter, order or stretch. While one move is on its
   * way only the latest of those that follow is kept.
   */
  move(window: Window): void;
  /** Ends it; nothing is told any more. */
  stop(): void;
}

/** See the head of this file. */
export class Watcher implements Watch {
  readonly #connection: Connection;
  readonly #handlers: WatchHandlers;
  readonly #revision = new Revision();
  #window: Window;
  #view: LiveView | undefined;
  #online: boolean;
  #asking = false;
  #askAgain = false;
  #stopped = false;

  constructor(connection: Connection, window: Window, handlers: WatchHandlers, online: boolean) {
    this.#connection = connection;
    this.#handlers = handlers;
    this.#window = window;
    this.#online = online;
    this.#ask();
  }

  get view(): LiveView | undefined {
    return this.#view;
  }

  move(window: Window): void {
    this.#window = window;
    this.#ask();
  }

  stop(): void {
    if (!this.#stopped) {
      this.leave();
      if (this.#online) {
        this.#connection.start("unwatch", {}, { policy: "link" }, () => {});
      }
    }
  }

  /** Another watch takes this one's place. */
  leave(): void {
    this.#stopped = true;
  }

  /** There is a connection. */
  connected(): void {
    this.#online = true;
    this.#asking = false;
    this.#revision.forget();
    this.#ask();
  }

  /** There is none. */
  disconnected(): void {
    this.#online = false;
  }

  /** A delta came. */
  live(live: Live): void {
    const verdict = this.#stopped ? "ignore" : this.#revision.judge(live.revision);
    if (verdict === "gap") {
      this.#ask();
    } else if (verdict === "accept" && this.#view !== undefined) {
      this.#show(changed(this.#view, live));
      for (const session of live.quiet ?? []) {
        this.#tell((handlers) => handlers.quiet?.(session));
      }
      for (const alert of live.alerts ?? []) {
        this.#tell((handlers) => handlers.alert?.(alert));
      }
    }
  }

  #ask(): void {
    if (!this.#online || this.#stopped) {
      return;
    }
    if (this.#asking) {
      this.#askAgain = true;
      return;
    }
    this.#asking = true;
    this.#askAgain = false;
    const window = this.#window;
    this.#connection.start("watch", { window }, { policy: "link" }, (outcome) =>
      this.#asked(window, outcome),
    );
  }

  #asked(window: Window, { error, result }: Outcome): void {
    if (this.#stopped || error?.name === "disconnected") {
      return;
    }
    this.#asking = false;
    if (error !== undefined) {
      this.#tell((handlers) => handlers.failed?.(error));
    } else {
      const watching = result as Watching;
      this.#revision.snapshot(watching.revision);
      this.#show(snapshot(watching, window));
    }
    if (this.#askAgain) {
      this.#ask();
    }
  }

  #show(view: LiveView): void {
    this.#view = view;
    this.#tell((handlers) => handlers.change(view));
  }

  #tell(say: (handlers: WatchHandlers) => void): void {
    if (!this.#stopped) {
      safely(() => say(this.#handlers));
    }
  }
}
