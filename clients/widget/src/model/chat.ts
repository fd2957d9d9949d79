// The visitor's side of a conversation, without a pixel: connects, follows, sends what waits, and
// keeps what must outlive the page. The interface reads its signals and calls its methods.

import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals-core";
import {
  byteLength,
  type ConnectionState,
  connectVisitor,
  type Event,
  json,
  newKey,
  type OpenTransport,
  type Page,
  TEXT_BYTES_MAX,
  type VisitorClient,
} from "@vigie/client/core";
import { type Conversation, EMPTY, fold, type Said, unreadAfter } from "./conversation.ts";
import { ADOPT_AFTER, Outbox, UNSENT_MAX, type Unsent } from "./outbox.ts";
import type { Shelf } from "./shelf.ts";

/** How long an operator counts as typing after their last signal. Milliseconds. */
export const TYPING_SHOWN = 6000;

/** Attempts without success after which the visitor is told that something is in the way. */
export const STRUGGLING_AFTER = 3;

/**
 * Whether the engine can be reached. `offline` was online, or has tried in vain for a while, and
 * tries on; `refused` is for good.
 */
export type Reach = "idle" | "online" | "offline" | "refused";

export interface ChatOptions {
  /** The engine's WebSocket. */
  readonly url: string;
  /** The site's public key. */
  readonly site: string;
  /** What all tabs share. */
  readonly shared: Shelf;
  /** What is this tab's own. */
  readonly own: Shelf;
  page: Page;
  readonly referrer: string;
  readonly language: string;
  /** What the page knows of the visitor. */
  data?: Record<string, string>;
  /** Where there is no WebSocket of the platform's. */
  readonly transport?: OpenTransport;
}

export class Chat {
  readonly reach = signal<Reach>("idle");
  /** The conversation on show. */
  readonly conversation: ReadonlySignal<Conversation>;
  /** The visitor's messages that are not in the log yet. */
  readonly waiting: ReadonlySignal<readonly Unsent[]>;
  /** How many messages the visitor has not seen. */
  readonly unread: ReadonlySignal<number>;
  /** So many messages wait that no more are taken. */
  readonly full: ReadonlySignal<boolean>;
  /** The conversation on show is over and another session has begun behind it. */
  readonly outlived: ReadonlySignal<boolean>;
  /** The operator is typing. */
  readonly typing = signal(false);
  /** What stands in the composer. */
  readonly draft = signal("");
  /** The visitor reads along: what comes is not unread. */
  readonly reading = signal(false);

  readonly #options: ChatOptions;
  readonly #outbox: Outbox;
  readonly #live = signal(EMPTY);
  readonly #ended = signal<Conversation | undefined>(undefined);
  /** The session and the last offset in it that the visitor has seen, in any tab. */
  readonly #seen = signal("");
  #client: VisitorClient | undefined;
  #heard: ((said: Said) => void) | undefined;
  /** Events of the past, until all of it is here. */
  #past: Event[] | undefined = [];
  /** The visitor has asked to leave the ended conversation. */
  #left = false;
  #delivering = false;
  #typingTimer: ReturnType<typeof setTimeout> | undefined;
  #adoptTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ChatOptions) {
    const { shared, own } = options;
    const tab = own.get("tab") ?? newKey();
    own.set("tab", tab);
    this.#options = options;
    this.#outbox = new Outbox(shared, tab);
    this.waiting = this.#outbox.unsent;
    this.conversation = computed(() => this.#ended.value ?? this.#live.value);
    this.outlived = computed(() => this.#ended.value !== undefined);
    this.full = computed(() => this.waiting.value.length >= UNSENT_MAX);
    this.unread = computed(() => this.#unread());
    this.draft.value = own.get("draft") ?? "";
    const readSeen = () => {
      this.#seen.value = shared.get("seen") ?? "";
    };
    readSeen();
    shared.onChange(readSeen);
    effect(() => own.set("draft", this.draft.value));
    effect(() => this.#markSeen());
    this.waiting.subscribe(() => queueMicrotask(() => this.#deliver()));
  }

  /** Whether messages wait that an earlier page left behind. */
  get leftBehind(): boolean {
    return this.waiting.value.some(({ state }) => state === "sending");
  }

  /** Whether this conversation outlives the page. */
  get lasting(): boolean {
    return this.#options.shared.lasting;
  }

  /** The session that the visitor is in. */
  get session(): string | undefined {
    return this.#client?.session;
  }

  /** Ends the connection for good. */
  close(): void {
    clearTimeout(this.#adoptTimer);
    this.#client?.close();
  }

  /** Calls back for each message that comes while the page is open. */
  onSaid(heard: (said: Said) => void): void {
    this.#heard = heard;
  }

  /** Connects, if it has not yet. */
  connect(): void {
    this.#client ??= this.#open();
  }

  /** Tries again now rather than at the next attempt's time. */
  retryNow(): void {
    this.#client?.retryNow();
  }

  /** Says it; false if it cannot be taken. */
  say(text: string): boolean {
    const said = text.trim();
    const taken = said !== "" && byteLength(said) <= TEXT_BYTES_MAX && !this.full.value;
    if (taken) {
      this.connect();
      this.#outbox.add(newKey(), said, Date.now());
    }
    return taken;
  }

  /** Says what stands in the composer, and empties it. */
  sayDraft(): void {
    if (this.say(this.draft.value)) {
      this.draft.value = "";
    }
  }

  /** The visitor has changed what stands in the composer. */
  type(text: string): void {
    this.draft.value = text;
    if (byteLength(text) <= TEXT_BYTES_MAX) {
      this.#client?.typing(text);
    }
  }

  /** Sends a message again that was refused. */
  tryAgain({ key, text }: { key: string; text: string }): void {
    this.startAnew();
    this.#outbox.add(key, text, Date.now());
  }

  /** Asks for a human: once there is a connection. */
  requestHuman(): void {
    this.connect();
    quietly(this.#client?.requestHuman());
  }

  /** Ends the conversation. */
  end(): void {
    quietly(this.#client?.endSession());
  }

  /** Rates the conversation on show; says whether that is done. */
  async rate(score: number, comment: string): Promise<boolean> {
    return (await quietly(this.#client?.rate(score, comment.trim() || undefined))) !== undefined;
  }

  /** Leaves an ended conversation behind. */
  startAnew(): void {
    if (this.#live.value.closed) {
      this.#left = true;
      quietly(this.#client?.startSession());
    }
    this.#ended.value = undefined;
  }

  /** The visitor is on another page of the site. */
  viewPage(page: Page): void {
    this.#options.page = page;
    quietly(this.#client?.viewPage(page));
  }

  /** What the page knows of the visitor. */
  setData(data: Record<string, string>): void {
    this.#options.data = data;
    quietly(this.#client?.setData(data));
  }

  #open(): VisitorClient {
    const { shared, own, ...options } = this.#options;
    const resume = shared.get("resume");
    const client = connectVisitor({
      ...options,
      codec: json,
      agent: "vigie-widget",
      ...(resume && { resume }),
      onResume: (token) => {
        if (!resume && !client.session && shared.get("resume")) {
          // Another tab has become a visitor at the same time, and was first: there is only one.
          this.#client = this.#open();
          client.close();
        } else if (token) {
          shared.set("resume", token);
        } else {
          shared.remove("resume");
        }
      },
    });
    client.on("state", (state) => client === this.#client && this.#connection(state));
    client.on("typing", ({ author }) => this.#operatorTypes(author.kind === "operator"));
    client.follow({
      event: (event) => this.#event(event),
      caughtUp: () => this.#caughtUp(),
      reset: () => this.#reset(),
    });
    return client;
  }

  #connection(state: ConnectionState): void {
    if (state.kind === "online") {
      this.reach.value = "online";
      this.#deliver();
    } else if (state.kind === "closed") {
      this.reach.value = "refused";
      console.warn("Vigie:", state.reason);
    } else if (this.reach.value === "online" || state.attempt > STRUGGLING_AFTER) {
      this.reach.value = "offline";
    }
  }

  #event(event: Event): void {
    if (this.#past !== undefined) {
      this.#past.push(event);
      return;
    }
    this.#fold([event]);
    const said = this.#live.value.entries.at(-1);
    if (said?.kind === "said" && said.offset === event.offset) {
      this.#heard?.(said);
    }
  }

  #caughtUp(): void {
    const past = this.#past ?? [];
    this.#past = undefined;
    this.#fold(past);
    this.#deliver();
  }

  #fold(events: readonly Event[]): void {
    batch(() => {
      this.#live.value = fold(this.#live.value, events);
      for (const { author, body } of events) {
        if (body.type === "message") {
          if (author.kind === "visitor" && body.key !== undefined) {
            this.#outbox.remove(body.key);
          }
          this.#operatorTypes(false);
          // The new session is spoken in: it is no use looking at the old one.
          this.#ended.value = undefined;
        }
      }
    });
  }

  /** The log is another one: an ended conversation stays on show until the visitor leaves it. */
  #reset(): void {
    batch(() => {
      if (this.#live.value.closed && !this.#left) {
        this.#ended.value = this.#live.value;
      }
      this.#left = false;
      this.#past = [];
      this.#live.value = EMPTY;
      this.#outbox.dropSent(this.session);
      this.#operatorTypes(false);
    });
  }

  /** Sends what waits, one after the other, so that it is said in the order it was written in. */
  async #deliver(): Promise<void> {
    clearTimeout(this.#adoptTimer);
    // Before the past is here, one may be in it already.
    const ready = this.reach.value === "online" && this.#past === undefined;
    const next = ready && !this.#delivering && this.#outbox.due(Date.now());
    if (next) {
      this.#delivering = true;
      await this.#send(next);
      this.#delivering = false;
      this.#deliver();
    } else if (this.leftBehind) {
      // One of another tab's, which may be gone before it is sent.
      this.#adoptTimer = setTimeout(() => this.#deliver(), ADOPT_AFTER);
    }
  }

  async #send({ key, text, session: earlier }: Unsent): Promise<void> {
    const session = this.session ?? "";
    let state: Unsent["state"] = "failed";
    // An earlier page sent it in a session that is over, and perhaps it was said there: only the
    // visitor knows whether to say it again.
    if (!earlier || earlier === session) {
      this.#outbox.update(key, { session });
      if (await quietly(this.#client?.say(text, { key }))) {
        state = "sent";
      }
    }
    this.#outbox.update(key, { state });
  }

  #operatorTypes(typing: boolean): void {
    clearTimeout(this.#typingTimer);
    this.typing.value = typing;
    if (typing) {
      this.#typingTimer = setTimeout(() => this.#operatorTypes(false), TYPING_SHOWN);
    }
  }

  #unread(): number {
    const conversation = this.conversation.value;
    const [session, offset] = this.#seen.value.split(" ");
    const seen = session === this.session ? Number(offset) : 0;
    return this.reading.value ? 0 : unreadAfter(conversation, seen);
  }

  #markSeen(): void {
    const { offset } = this.#live.value;
    if (this.reading.value && offset > 0) {
      this.#seen.value = `${this.session} ${offset}`;
      this.#options.shared.set("seen", this.#seen.value);
    }
  }
}

/** A refusal tells the visitor nothing that the conversation does not show. */
async function quietly<T>(done: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await done;
  } catch {
    return undefined;
  }
}
