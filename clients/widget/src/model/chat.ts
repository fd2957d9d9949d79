// The visitor's side of a conversation, without a pixel: connects, follows, sends what waits, and
// keeps what must outlive the page. The interface reads its signals and calls its methods.

import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals-core";
import {
  type ConnectionState,
  connectVisitor,
  type Event,
  json,
  newKey,
  type OpenTransport,
  type Page,
  VigieError,
  type VisitorClient,
} from "@vigie/client/core";
import { byteLength, TEXT_BYTES_MAX } from "../text/bytes.ts";
import {
  type Conversation,
  EMPTY,
  fold,
  hasKey,
  type Said,
  underControl,
  unreadAfter,
} from "./conversation.ts";
import { ADOPT_AFTER, Outbox, UNSENT_MAX, type Unsent } from "./outbox.ts";
import type { Shelf } from "./shelf.ts";

/** How long an operator counts as typing after their last signal. Milliseconds. */
export const TYPING_SHOWN = 6000;

/** Attempts without success after which the visitor is told that something is in the way. */
export const STRUGGLING_AFTER = 3;

/** Whether the engine can be reached. */
export type Reach =
  | "idle" // not asked to connect yet
  | "connecting" // for the first time
  | "online"
  | "offline" // was online, or has tried in vain for a while; tries on
  | "refused"; // for good

/** A message of the visitor that is not in the log yet, as it is shown. */
export interface Waiting extends Unsent {
  readonly state: "sending" | "sent" | "failed";
}

export interface ChatOptions {
  /** The engine's WebSocket. */
  readonly url: string;
  /** The site's public key. */
  readonly site: string;
  /** What all tabs share. */
  readonly shared: Shelf;
  /** What is this tab's own. */
  readonly own: Shelf;
  readonly page: Page;
  readonly referrer: string;
  readonly language: string;
  /** What the page knows of the visitor. */
  readonly data: Record<string, string>;
  /** Where there is no WebSocket of the platform's. */
  readonly transport?: OpenTransport;
}

export class Chat {
  readonly reach = signal<Reach>("idle");
  /** The whole past of the session is here. */
  readonly caughtUp = signal(false);
  readonly conversation: ReadonlySignal<Conversation>;
  readonly waiting: ReadonlySignal<readonly Waiting[]>;
  readonly unread: ReadonlySignal<number>;
  /** The operator who is typing. */
  readonly typing = signal(false);
  /** What stands in the composer. */
  readonly draft = signal("");
  /** The visitor reads along: what comes is not unread. */
  readonly reading = signal(false);
  /** So many messages wait that no more are taken. */
  readonly full: ReadonlySignal<boolean>;
  /** The conversation on show is over and another session has begun behind it. */
  readonly outlived: ReadonlySignal<boolean>;

  readonly #options: ChatOptions;
  readonly #outbox: Outbox;
  readonly #live = signal<Conversation>(EMPTY);
  readonly #ended = signal<Conversation | undefined>(undefined);
  readonly #seen = signal("");
  /** Acknowledged, while their events are still on the way. */
  readonly #acknowledged = signal<readonly Unsent[]>([]);
  #client: VisitorClient | undefined;
  #session: string | undefined;
  #page: Page;
  #data: Record<string, string>;
  readonly #heard: ((said: Said) => void)[] = [];
  #past: Event[] = [];
  /** The visitor has asked to leave the ended conversation. */
  #left = false;
  #delivering = false;
  #typingTimer: ReturnType<typeof setTimeout> | undefined;
  #adoptTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#page = options.page;
    this.#data = options.data;
    const { shared, own } = options;
    this.#outbox = new Outbox(shared, tabName(own));
    this.conversation = computed(() => this.#ended.value ?? this.#live.value);
    this.full = computed(() => this.#outbox.unsent.value.length >= UNSENT_MAX);
    this.outlived = computed(() => this.#ended.value !== undefined);
    this.waiting = computed(() => this.#waiting());
    this.unread = computed(() => this.#unread());
    this.draft.value = own.get("draft") ?? "";
    this.#seen.value = shared.get("seen") ?? "";
    shared.onChange((name) => {
      if (name === "seen") {
        this.#seen.value = shared.get("seen") ?? "";
      }
    });
    effect(() => void own.set("draft", this.draft.value));
    effect(() => this.#markSeen());
    effect(() => {
      void this.#outbox.unsent.value;
      queueMicrotask(() => void this.#deliver());
    });
  }

  /** Whether messages wait that an earlier page left behind. */
  get leftBehind(): boolean {
    return this.#outbox.unsent.value.some((entry) => !entry.failed);
  }

  /** Whether this conversation outlives the page. */
  get lasting(): boolean {
    return this.#options.shared.lasting;
  }

  /** Calls back for each message that comes while the page is open. */
  onSaid(heard: (said: Said) => void): void {
    this.#heard.push(heard);
  }

  /** Connects, if it has not yet. */
  connect(): void {
    if (this.#client === undefined) {
      this.reach.value = "connecting";
      this.#client = this.#open();
    }
  }

  /** Tries again now rather than at the next attempt's time. */
  retryNow(): void {
    this.#client?.retryNow();
  }

  /** Says it; false if it cannot be taken. */
  say(text: string): boolean {
    const said = text.trim();
    if (said === "" || byteLength(said) > TEXT_BYTES_MAX || this.full.value) {
      return false;
    }
    this.connect();
    this.#outbox.add(newKey(), said, Date.now());
    return true;
  }

  /** Says what stands in the composer, and empties it. */
  sayDraft(): boolean {
    const done = this.say(this.draft.value);
    if (done) {
      this.draft.value = "";
    }
    return done;
  }

  /** The visitor has changed what stands in the composer. */
  type(text: string): void {
    this.draft.value = text;
    if (byteLength(text) <= TEXT_BYTES_MAX) {
      this.#client?.typing(text);
    }
  }

  /** Sends a message again that was refused. */
  tryAgain(key: string): void {
    if (this.conversation.value.closed !== undefined) {
      this.startAnew();
    }
    this.#outbox.retry(key, Date.now());
  }

  /** Gives a message up that was refused. */
  discard(key: string): void {
    this.#outbox.remove(key);
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
    batch(() => {
      if (this.#live.value.closed !== undefined) {
        this.#left = true;
        quietly(this.#client?.startSession());
      }
      this.#ended.value = undefined;
    });
  }

  /** The visitor is on another page of the site. */
  viewPage(page: Page): void {
    this.#page = page;
    quietly(this.#client?.viewPage(page));
  }

  /** What the page knows of the visitor. */
  setData(data: Record<string, string>): void {
    this.#data = data;
    quietly(this.#client?.setData(data));
  }

  #open(): VisitorClient {
    const { url, site, shared, referrer, language, transport } = this.#options;
    const resume = shared.get("resume");
    const client = connectVisitor({
      url,
      site,
      codec: json,
      agent: "vigie-widget",
      onResume: (token) => {
        if (token === undefined) {
          shared.remove("resume");
        } else {
          shared.set("resume", token);
        }
      },
      page: this.#page,
      referrer,
      language,
      data: this.#data,
      ...(resume && { resume }),
      ...(transport && { transport }),
    });
    client.on("session", ({ session }) => {
      this.#session = session;
    });
    client.on("state", (state) => this.#connection(state));
    client.on("typing", ({ author }) => this.#operatorTypes(author.kind === "operator"));
    client.follow({
      event: (event) => this.#event(event),
      control: (control) => {
        this.#live.value = underControl(this.#live.value, control);
      },
      caughtUp: () => this.#arrived(),
      reset: () => this.#reset(),
    });
    return client;
  }

  #connection(state: ConnectionState): void {
    switch (state.kind) {
      case "online":
        this.reach.value = "online";
        void this.#deliver();
        break;
      case "waiting":
        if (this.reach.value === "online" || state.attempt > STRUGGLING_AFTER) {
          this.reach.value = "offline";
        }
        break;
      case "closed":
        this.reach.value = "refused";
        console.warn(`Vigie: the chat cannot be used on this page: ${state.reason}`);
        break;
      default:
    }
  }

  #event(event: Event): void {
    if (!this.caughtUp.value) {
      this.#past.push(event);
      return;
    }
    this.#fold([event]);
    const said = this.#live.value.entries.at(-1);
    if (said?.kind === "said" && said.offset === event.offset) {
      for (const heard of this.#heard) {
        heard(said);
      }
    }
  }

  #arrived(): void {
    const past = this.#past;
    this.#past = [];
    batch(() => {
      this.caughtUp.value = true;
      this.#fold(past);
    });
    void this.#deliver();
  }

  #fold(events: readonly Event[]): void {
    batch(() => {
      this.#live.value = fold(this.#live.value, events);
      for (const { author, body } of events) {
        if (body.type === "message") {
          if (author.kind === "visitor" && body.key !== undefined) {
            this.#settle(body.key);
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
      if (this.#live.value.closed !== undefined && !this.#left) {
        this.#ended.value = this.#live.value;
      }
      this.#left = false;
      this.#past = [];
      this.caughtUp.value = false;
      this.#live.value = EMPTY;
      this.#operatorTypes(false);
    });
  }

  /** Sends what waits, one after the other, so that it is said in the order it was written in. */
  async #deliver(): Promise<void> {
    if (this.#delivering) {
      return;
    }
    this.#delivering = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        await this.#send(next);
      }
    } finally {
      this.#delivering = false;
    }
    this.#watchOthers();
  }

  #next(): Unsent | undefined {
    // Before the past is here, one may be in it already.
    const ready = this.reach.value === "online" && this.caughtUp.value;
    return ready ? this.#outbox.due(Date.now()) : undefined;
  }

  async #send(entry: Unsent): Promise<void> {
    const session = this.#session ?? "";
    if (hasKey(this.#live.value, entry.key)) {
      this.#settle(entry.key);
      return;
    }
    if (entry.session && entry.session !== session) {
      // An earlier page sent it in a session that is over, and perhaps it was said there: only the
      // visitor knows whether to say it again.
      this.#outbox.update(entry.key, { failed: true });
      return;
    }
    this.#outbox.update(entry.key, { session });
    try {
      await this.#client?.say(entry.text, { key: entry.key });
      this.#acknowledge(entry);
    } catch (error) {
      // The client has tried again whatever could be: this is final.
      const reason = error instanceof VigieError ? error.message : String(error);
      console.warn(`Vigie: a message was refused: ${reason}`);
      this.#outbox.update(entry.key, { failed: true });
    }
  }

  #acknowledge(entry: Unsent): void {
    batch(() => {
      if (!hasKey(this.#live.value, entry.key)) {
        this.#acknowledged.value = [...this.#acknowledged.value, entry];
      }
      this.#outbox.remove(entry.key);
    });
  }

  #settle(key: string): void {
    this.#outbox.remove(key);
    this.#acknowledged.value = this.#acknowledged.value.filter((entry) => entry.key !== key);
  }

  /** Looks again when a message of another tab, which may be gone, has waited long enough. */
  #watchOthers(): void {
    clearTimeout(this.#adoptTimer);
    if (this.#outbox.unsent.value.some((entry) => !entry.failed)) {
      this.#adoptTimer = setTimeout(() => void this.#deliver(), ADOPT_AFTER);
    }
  }

  #operatorTypes(typing: boolean): void {
    clearTimeout(this.#typingTimer);
    this.typing.value = typing;
    if (typing) {
      this.#typingTimer = setTimeout(() => this.#operatorTypes(false), TYPING_SHOWN);
    }
  }

  #waiting(): Waiting[] {
    const sent = this.#acknowledged.value.map((entry) => ({ ...entry, state: "sent" as const }));
    const unsent = this.#outbox.unsent.value.map((entry) => {
      return { ...entry, state: entry.failed ? ("failed" as const) : ("sending" as const) };
    });
    return [...sent, ...unsent].sort((a, b) => a.time - b.time);
  }

  #unread(): number {
    const { offset } = this.conversation.value;
    const [session, seen] = this.#seen.value.split(" ");
    const from = session === this.#session ? Number(seen) : 0;
    return this.reading.value || offset <= from ? 0 : unreadAfter(this.conversation.value, from);
  }

  #markSeen(): void {
    const { offset } = this.#live.value;
    if (this.reading.value && offset > 0 && this.#session !== undefined) {
      const seen = `${this.#session} ${offset}`;
      if (this.#seen.peek() !== seen) {
        this.#seen.value = seen;
        this.#options.shared.set("seen", seen);
      }
    }
  }
}

/** A name for the tab that its reloads keep. */
function tabName(own: Shelf): string {
  const name = own.get("tab") ?? newKey();
  own.set("tab", name);
  return name;
}

/** A refusal tells the visitor nothing that the conversation does not show. */
async function quietly<T>(done: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await done;
  } catch {
    return undefined;
  }
}
