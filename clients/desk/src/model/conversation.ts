/**
 * A conversation that is open in a tab: its thread as it grows, who is in control, what the operator
 * does in it.
 *
 * Events are gathered and shown once per frame. What was shown is what a reply is written against:
 * `seen` is the last offset of the thread on the screen, not the last one that the socket brought.
 */

import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import type {
  Card,
  Control,
  Done,
  DraftSignal,
  Event,
  Following,
  OperatorClient,
  TypingSignal,
} from "@vigie/client";
import { BOT_DRAFT_SHOWN_MS, TYPING_EVERY_MS, TYPING_SHOWN_MS } from "./bounds.ts";
import { advance, askedOf, newer } from "./card.ts";
import type { Composition } from "./composition.ts";
import { PastList } from "./past.ts";
import { NO_FACTS, profile, tell } from "./profile.ts";
import { refusalOf } from "./refusal.ts";
import { threadItem } from "./thread.ts";
import type {
  Clock,
  Conversation,
  ConversationAction,
  Past,
  Pending,
  Profile,
  Refusal,
  ThreadItem,
  Unseen,
} from "./types.ts";
import { Mark } from "./typing.ts";
import type { Unread } from "./unread.ts";

/** What a conversation needs of its site. */
export interface Surroundings {
  readonly clock: Clock;
  readonly client: () => OperatorClient;
  /** This operator's id. */
  readonly me: ReadonlySignal<string | null>;
  readonly unread: Unread;
  /** Whether the operator sees the desk now. */
  readonly visible: ReadonlySignal<boolean>;
}

/** See the head of this file. */
export class OpenConversation implements Conversation {
  readonly session: string;
  readonly past: Past;
  readonly #around: Surroundings;
  readonly #composition: Composition;
  readonly #card = signal<Card | null>(null);
  readonly #items = signal<readonly ThreadItem[]>([]);
  readonly #loading = signal(true);
  readonly #control = signal<Control | null>(null);
  readonly #closed = signal(false);
  readonly #acting = signal<ConversationAction | null>(null);
  readonly #refusal = signal<Refusal | null>(null);
  readonly #facts = signal(NO_FACTS);
  readonly #looking = signal(false);
  readonly #asked = signal(0);
  readonly #visitorTyping: Mark;
  readonly #operatorTyping: Mark;
  readonly #botDraft: Mark;
  readonly #mine: ReadonlySignal<boolean>;
  readonly #profile: ReadonlySignal<Profile>;
  readonly #unread: ReadonlySignal<number>;
  readonly #stopLooking: () => void;
  #following: Following | undefined;
  #arrived: Event[] = [];
  #cancelFrame: (() => void) | undefined;
  /** The last offset that the thread shows. */
  #shown = 0;
  /** The latest turn that is answered, failed or overtaken: drafts up to it are void. */
  #turnOver = 0;
  /** The turn that the draft is of. */
  #draftTurn = 0;
  #toldTyping = Number.NEGATIVE_INFINITY;

  constructor(composition: Composition, around: Surroundings) {
    const { session } = composition;
    this.session = session;
    this.#composition = composition;
    this.#around = around;
    this.#visitorTyping = new Mark(around.clock, TYPING_SHOWN_MS);
    this.#operatorTyping = new Mark(around.clock, TYPING_SHOWN_MS);
    this.#botDraft = new Mark(around.clock, BOT_DRAFT_SHOWN_MS);
    this.past = new PastList(session, around.client, around.me);
    this.#mine = computed(() => {
      const holder = this.#control.value?.holder;
      return holder?.kind === "operator" && holder.id === around.me.value;
    });
    this.#profile = computed(() => profile(this.#facts.value, this.#card.value));
    this.#unread = computed(() => {
      around.unread.version.value;
      return around.unread.of(session);
    });
    composition.shown = true;
    around.unread.opened(session);
    this.#stopLooking = effect(() => {
      if (this.#looking.value && around.visible.value && !this.#loading.value) {
        around.unread.looked(session, this.#asked.value);
      }
    });
  }

  get card(): ReadonlySignal<Card | null> {
    return this.#card;
  }

  get items(): ReadonlySignal<readonly ThreadItem[]> {
    return this.#items;
  }

  get loading(): ReadonlySignal<boolean> {
    return this.#loading;
  }

  get control(): ReadonlySignal<Control | null> {
    return this.#control;
  }

  get mine(): ReadonlySignal<boolean> {
    return this.#mine;
  }

  get closed(): ReadonlySignal<boolean> {
    return this.#closed;
  }

  get text() {
    return this.#composition.text;
  }

  get noteMode() {
    return this.#composition.noteMode;
  }

  get pending(): ReadonlySignal<readonly Pending[]> {
    return this.#composition.pending;
  }

  get unseen(): ReadonlySignal<Unseen | null> {
    return this.#composition.unseen;
  }

  get acting(): ReadonlySignal<ConversationAction | null> {
    return this.#acting;
  }

  get refusal(): ReadonlySignal<Refusal | null> {
    return this.#refusal;
  }

  get visitorTyping(): ReadonlySignal<string | null> {
    return this.#visitorTyping.value;
  }

  get botDraft(): ReadonlySignal<string | null> {
    return this.#botDraft.value;
  }

  get operatorTyping(): ReadonlySignal<string | null> {
    return this.#operatorTyping.value;
  }

  get unread(): ReadonlySignal<number> {
    return this.#unread;
  }

  get profile(): ReadonlySignal<Profile> {
    return this.#profile;
  }

  async send(options: { readonly confirm?: boolean } = {}): Promise<void> {
    if (options.confirm) {
      this.#composition.confirm(this.#shown);
      return;
    }
    const refusal = this.#composition.send(this.#shown);
    if (refusal !== null) {
      this.#refusal.value = refusal;
    }
    this.#toldTyping = Number.NEGATIVE_INFINITY;
  }

  retry(key: string): void {
    this.#composition.retry(key, this.#shown);
  }

  discard(key: string): void {
    this.#composition.discard(key);
  }

  takeOver(options: { readonly force?: boolean; readonly reason?: string } = {}): Promise<void> {
    return this.#act("take-over", (client) => client.takeOver(this.session, { ...options }));
  }

  release(): Promise<void> {
    return this.#act("release", (client) => client.release(this.session));
  }

  revoke(reason: string): Promise<void> {
    return this.#act("revoke", (client) => client.revoke(this.session, reason));
  }

  transfer(to: string, reason?: string): Promise<void> {
    return this.#act("transfer", (client) => client.transfer(this.session, to, reason));
  }

  closeSession(): Promise<void> {
    return this.#act("close", (client) => client.closeSession(this.session));
  }

  dismiss(): void {
    this.#refusal.value = null;
  }

  typing(): void {
    const now = this.#around.clock.now();
    const due = now - this.#toldTyping >= TYPING_EVERY_MS;
    if (due && this.#mine.value && !this.noteMode.value && this.text.value !== "") {
      this.#toldTyping = now;
      this.#around.client().typing(this.session);
    }
  }

  look(looking: boolean): void {
    this.#looking.value = looking;
  }

  /** Follows with this client from now on. */
  attach(client: OperatorClient): void {
    this.#following?.stop();
    this.#composition.attach(client);
    // What has arrived and is not shown yet is in the thread before what the new client brings.
    this.#flush();
    this.#following = client.follow(
      this.session,
      {
        event: (event) => {
          this.#arrived.push(event);
          this.#flushSoon();
        },
        control: (control) => this.#controlled(control),
        card: (card) => {
          this.offer(card);
        },
        caughtUp: () => {
          batch(() => {
            this.#flush();
            this.#loading.value = false;
          });
        },
        reset: () => this.#reset(),
        failed: () => {
          batch(() => {
            this.#flush();
            this.#loading.value = false;
            this.#closed.value = true;
          });
        },
      },
      this.#shown,
    );
  }

  /** The engine has told of this session's card. */
  offer(card: Card): void {
    const next = newer(this.#card.value, card);
    if (next !== this.#card.value) {
      this.#card.value = next;
      this.#controlled(next.control);
    }
    this.#around.unread.said(this.session, askedOf(next));
  }

  /** Somebody is typing. */
  typed({ author, text }: TypingSignal): void {
    if (author.kind === "visitor") {
      if (text === "") {
        this.#visitorTyping.hide();
      } else {
        this.#visitorTyping.show(text ?? "");
      }
    } else if (author.kind === "operator" && author.id !== this.#around.me.value) {
      this.#operatorTyping.show(author.name);
    }
  }

  /** The bot's answer so far. */
  drafted({ turn, text }: DraftSignal): void {
    if (turn > this.#turnOver && this.#control.value?.holder.kind !== "operator") {
      this.#draftTurn = turn;
      this.#botDraft.show(text);
    }
  }

  /** The connection is lost: what was momentary is over. */
  disconnected(): void {
    this.#visitorTyping.hide();
    this.#operatorTyping.hide();
    this.#botDraft.hide();
  }

  /** The tab is closed. */
  stop(): void {
    this.#following?.stop();
    this.#cancelFrame?.();
    this.#stopLooking();
    this.disconnected();
    this.#composition.shown = false;
    this.#around.unread.closed(this.session);
  }

  async #act(
    action: ConversationAction,
    ask: (client: OperatorClient) => Promise<Done>,
  ): Promise<void> {
    if (this.#acting.value !== null) {
      return;
    }
    this.#acting.value = action;
    this.#refusal.value = null;
    try {
      await ask(this.#around.client());
    } catch (error) {
      this.#refusal.value = refusalOf(action, error);
    } finally {
      this.#acting.value = null;
    }
  }

  #controlled(control: Control): void {
    const known = this.#control.value;
    if (known === null || control.epoch > known.epoch) {
      // The change and its line in the thread are seen at once.
      batch(() => {
        this.#flush();
        this.#control.value = control;
      });
      if (control.holder.kind === "operator") {
        this.#botDraft.hide();
      }
      this.#operatorTyping.hide();
    }
  }

  #flushSoon(): void {
    this.#cancelFrame ??= this.#around.clock.frame(() => this.#flush());
  }

  #flush(): void {
    this.#cancelFrame?.();
    this.#cancelFrame = undefined;
    const events = this.#arrived.filter(({ offset }) => offset > this.#shown);
    this.#arrived = [];
    const last = events.at(-1);
    if (last !== undefined) {
      this.#shown = last.offset;
      batch(() => this.#take(events));
    }
  }

  #take(events: readonly Event[]): void {
    const items: ThreadItem[] = [];
    const keys = new Set<string>();
    let facts = this.#facts.value;
    let card = this.#card.value;
    let asked = this.#asked.value;
    for (const event of events) {
      const item = threadItem(event, this.#around.me.value);
      if (item !== null) {
        items.push(item);
      }
      if ((item?.kind === "message" || item?.kind === "note") && item.key !== undefined) {
        keys.add(item.key);
      }
      facts = tell(facts, event);
      card = card === null ? null : advance(card, event);
      asked += item?.part === "visitor" ? 1 : 0;
      this.#ends(event);
    }
    this.#facts.value = facts;
    this.#card.value = card;
    this.#items.value = [...this.#items.value, ...items];
    this.#asked.value = asked;
    this.#composition.arrived(keys, this.#shown);
    this.#around.unread.said(this.session, asked);
  }

  /** Takes down what an event has made void. */
  #ends({ offset, author, body }: Event): void {
    switch (body.type) {
      case "message":
        if (author.kind === "visitor") {
          this.#visitorTyping.hide();
        } else if (author.kind === "operator") {
          this.#operatorTyping.hide();
        } else {
          this.#turnEnds(body.turn ?? offset);
          return;
        }
        this.#turnEnds(offset - 1);
        return;
      case "bot_failed":
        this.#turnEnds(body.turn);
        return;
      case "session_closed":
        this.#closed.value = true;
        this.disconnected();
        return;
    }
  }

  #turnEnds(turn: number): void {
    this.#turnOver = Math.max(this.#turnOver, turn);
    // A draft may come before the frame that shows the message that it answers.
    if (this.#draftTurn <= this.#turnOver) {
      this.#botDraft.hide();
    }
  }

  /** The log is another one: what was shown is void, what was composed is not. */
  #reset(): void {
    this.#arrived = [];
    this.#shown = 0;
    this.#turnOver = 0;
    this.#draftTurn = 0;
    this.#composition.renew();
    batch(() => {
      this.#items.value = [];
      this.#facts.value = NO_FACTS;
      this.#asked.value = 0;
      this.#card.value = null;
      this.#control.value = null;
      this.#closed.value = false;
      this.#loading.value = true;
    });
  }
}
