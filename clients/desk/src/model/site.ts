/** One site's desk: a connection, the live list over it, and the conversations that are open. */

import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import {
  type Alert,
  type Card,
  type ConnectionState,
  connectOperator,
  type Intent,
  type OperatorCard,
  type OperatorClient,
  type Rank,
  VigieError,
} from "@vigie/client";
import { CONVERSATIONS_MAX } from "./bounds.ts";
import { askedOf } from "./card.ts";
import { Composition } from "./composition.ts";
import { OpenConversation } from "./conversation.ts";
import { Drafts } from "./drafts.ts";
import type { SiteGrant } from "./http.ts";
import { SparseList } from "./live.ts";
import type { Ringer } from "./notifications.ts";
import type { Conversation, LiveList, Ports, Preferences, SiteDesk } from "./types.ts";
import { Unread } from "./unread.ts";

/** What names this program to the engine. */
const AGENT = "vigie-desk/0.1.0";

/** What a site's desk needs of the desk. */
export interface SiteContext {
  readonly ports: Ports;
  readonly preferences: Preferences;
  readonly ringer: Ringer;
  /** The account's id: what is kept is kept apart for each. */
  readonly account: string;
  /** Whether this is the site that is shown. */
  readonly shown: ReadonlySignal<boolean>;
  token(): Promise<string>;
  rename(name: string): Promise<string>;
  /** The operator wants to see this site. */
  show(): void;
}

/** See the head of this file. */
export class ConnectedSite implements SiteDesk {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly rank: Rank;
  readonly language: string;
  readonly overview: ReadonlySignal<boolean>;
  readonly #context: SiteContext;
  readonly #operator = signal<string | null>(null);
  readonly #displayName: Signal<string>;
  readonly #connection = signal<ConnectionState>({ kind: "connecting", attempt: 1 });
  readonly #degraded = signal(false);
  readonly #lost = signal(false);
  readonly #intent = signal<Intent>("available");
  readonly #conversations = signal<readonly OpenConversation[]>([]);
  readonly #active = signal<OpenConversation | null>(null);
  readonly #unread = new Unread();
  readonly #list: SparseList;
  readonly #drafts: Drafts;
  readonly #compositions = new Map<string, Composition>();
  readonly #offs: (() => void)[] = [];
  #client: OperatorClient | undefined;
  /** Of the log that what is shown comes from. */
  #generation: number | undefined;
  #clientOffs: (() => void)[] = [];
  /** What the operator has said of themselves in this desk. */
  #chosen: Intent | undefined;

  constructor(grant: SiteGrant, context: SiteContext) {
    this.id = grant.site;
    this.key = grant.key;
    this.name = grant.name;
    this.rank = grant.rank;
    this.language = grant.language;
    this.#context = context;
    this.#displayName = signal(grant.display_name);
    this.#drafts = new Drafts(context.ports.tab, context.account, grant.site);
    this.#list = new SparseList(context.ports.clock, context.preferences.sort, this.#unread, {
      cards: (cards) => this.#cards(cards),
      alert: (alert) => this.#alert(alert),
      quiet: (session) => this.#quiet(session),
    });
    this.overview = computed(() => this.#active.value === null);
    this.#offs.push(
      effect(() => this.#list.sleep(!context.shown.value)),
      effect(() => this.#list.ringFor(context.preferences.notify.value === "all" ? "all" : "new")),
    );
    this.#reopen();
    this.#offs.push(effect(() => this.#keepTabs()));
  }

  get operator(): ReadonlySignal<string | null> {
    return this.#operator;
  }

  get displayName(): ReadonlySignal<string> {
    return this.#displayName;
  }

  get connection(): ReadonlySignal<ConnectionState> {
    return this.#connection;
  }

  get degraded(): ReadonlySignal<boolean> {
    return this.#degraded;
  }

  get lost(): ReadonlySignal<boolean> {
    return this.#lost;
  }

  dismissLost(): void {
    this.#lost.value = false;
  }

  get intent(): ReadonlySignal<Intent> {
    return this.#intent;
  }

  get list(): LiveList {
    return this.#list;
  }

  get conversations(): ReadonlySignal<readonly Conversation[]> {
    return this.#conversations;
  }

  get active(): ReadonlySignal<Conversation | null> {
    return this.#active;
  }

  get unread(): ReadonlySignal<number> {
    return this.#unread.total;
  }

  /** Connects, unless it is connected. */
  connect(): void {
    if (this.#client !== undefined && this.#connection.value.kind !== "closed") {
      return;
    }
    this.#detach();
    const { ports, token } = this.#context;
    const client = connectOperator({
      url: `${ports.origin.replace(/^http/, "ws")}/ws`,
      token,
      agent: AGENT,
      ...(this.#generation === undefined ? {} : { generation: this.#generation }),
      ...(ports.transport === undefined ? {} : { transport: ports.transport }),
    });
    this.#client = client;
    this.#clientOffs = [
      client.on("state", (state) => this.#changed(state)),
      client.on("typing", (typing) => this.#find(typing.session)?.typed(typing)),
      client.on("draft", (draft) => this.#find(draft.session)?.drafted(draft)),
      client.on("resync", () => this.#renew()),
      client.on("status", ({ degraded }) => {
        this.#degraded.value = degraded === true;
      }),
    ];
    this.#connection.value = client.state;
    this.#list.attach(client);
    for (const conversation of this.#conversations.value) {
      conversation.attach(client);
    }
    this.#sendLeftovers(client);
  }

  /** Whether it holds a connection. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** Ends the connection; tabs, drafts and messages that wait stay. */
  disconnect(): void {
    this.#detach();
    this.#context.ringer.quietAll(this.id);
  }

  stop(): void {
    this.disconnect();
    for (const off of this.#offs) {
      off();
    }
    for (const conversation of this.#conversations.value) {
      conversation.stop();
    }
    for (const composition of this.#compositions.values()) {
      composition.stop();
    }
    this.#list.stop();
  }

  retryNow(): void {
    if (this.#connection.value.kind === "closed") {
      this.connect();
    } else {
      this.#client?.retryNow();
    }
  }

  async rename(name: string): Promise<void> {
    this.#displayName.value = await this.#context.rename(name);
    await this.#client?.refreshToken().catch(() => {
      // Not online: the next connection brings a token with the new name.
    });
  }

  async setIntent(intent: Intent): Promise<void> {
    this.#chosen = intent;
    this.#intent.value = intent;
    await this.#speaking().setIntent(intent);
  }

  async operators(): Promise<readonly OperatorCard[]> {
    return this.#speaking().operators();
  }

  open(session: string): Conversation {
    const found = this.#find(session) ?? this.#start(session);
    this.#active.value = found;
    this.#list.selected.value = session;
    return found;
  }

  activate(session: string | null): void {
    const found = session === null ? null : this.#find(session);
    if (found !== undefined) {
      this.#active.value = found;
    }
  }

  close(session: string): void {
    const open = this.#conversations.value;
    const place = open.findIndex((one) => one.session === session);
    const conversation = open[place];
    if (conversation === undefined) {
      return;
    }
    batch(() => {
      const left = open.filter((one) => one !== conversation);
      this.#conversations.value = left;
      if (this.#active.value === conversation) {
        this.#active.value = left[Math.min(place, left.length - 1)] ?? null;
      }
      conversation.stop();
    });
    this.#forget();
  }

  #start(session: string): OpenConversation {
    const { ports } = this.#context;
    const conversation = new OpenConversation(this.#composition(session), {
      clock: ports.clock,
      client: () => this.#speaking(),
      me: this.#operator,
      unread: this.#unread,
      visible: computed(
        () =>
          ports.visible.value &&
          this.#context.shown.value &&
          this.#active.value?.session === session,
      ),
    });
    const card = this.#list.find(session);
    if (card !== undefined) {
      conversation.offer(card);
    }
    this.#makeRoom();
    this.#conversations.value = [...this.#conversations.value, conversation];
    if (this.#client !== undefined) {
      conversation.attach(this.#client);
    }
    return conversation;
  }

  /** One tab more than there may be: the oldest that nobody works in is closed. */
  #makeRoom(): void {
    const open = this.#conversations.value;
    if (open.length >= CONVERSATIONS_MAX) {
      const idle = open.find((one) => one.text.value === "" && !one.mine.value);
      const oldest = idle ?? open[0];
      if (oldest !== undefined) {
        this.close(oldest.session);
      }
    }
  }

  #composition(session: string): Composition {
    const known = this.#compositions.get(session);
    const composition = known ?? new Composition(session, this.#drafts, this.#context.ports.clock);
    this.#compositions.set(session, composition);
    return composition;
  }

  /** Forgets what is composed nowhere and shown nowhere. */
  #forget(): void {
    for (const [session, composition] of this.#compositions) {
      if (composition.idle && this.#find(session) === undefined) {
        composition.stop();
        this.#compositions.delete(session);
      }
    }
  }

  /** What waited to be sent when the page was left, in conversations that are not open. */
  #sendLeftovers(client: OperatorClient): void {
    for (const session of this.#drafts.sessions()) {
      this.#composition(session);
    }
    for (const composition of this.#compositions.values()) {
      composition.attach(client);
    }
  }

  #changed(state: ConnectionState): void {
    const wasOnline = this.#connection.value.kind === "online";
    batch(() => {
      this.#connection.value = state;
      // Each new connection is well until it is told otherwise.
      this.#degraded.value = false;
      if (state.kind === "online" && state.identity.role === "operator") {
        this.#operator.value = state.identity.id;
        this.#displayName.value = state.identity.name;
        void this.#settleIntent();
      }
    });
    if (wasOnline && state.kind !== "online") {
      this.#context.ringer.quietAll(this.id);
      for (const conversation of this.#conversations.value) {
        conversation.disconnected();
      }
    }
  }

  /** The log is another one: what is shown of it is made anew, what was composed is not. */
  #renew(): void {
    batch(() => {
      this.#lost.value = true;
      this.#unread.renew();
      this.#list.renew();
      for (const composition of this.#compositions.values()) {
        composition.renew();
      }
    });
  }

  /** The engine forgets an intent with the operator's last connection; this desk does not. */
  async #settleIntent(): Promise<void> {
    try {
      if (this.#chosen !== undefined) {
        await this.#speaking().setIntent(this.#chosen);
        return;
      }
      const operators = await this.#speaking().operators();
      const mine = operators.find(({ id }) => id === this.#operator.value);
      if (mine !== undefined && this.#chosen === undefined) {
        this.#intent.value = mine.intent;
      }
    } catch {
      // The connection is lost; the next one asks again.
    }
  }

  #cards(cards: readonly Card[]): void {
    const open = new Map(this.#conversations.value.map((one) => [one.session, one]));
    for (const card of cards) {
      this.#unread.said(card.session, askedOf(card));
      open.get(card.session)?.offer(card);
      if (card.control.holder.kind === "operator") {
        this.#context.ringer.taken(this.id, card.session);
      }
    }
  }

  #alert(alert: Alert): void {
    const { ringer, ports, shown } = this.#context;
    if (!ringer.wants(alert.kind)) {
      return;
    }
    const { session } = alert.card;
    this.#unread.rang(alert.card);
    ringer.ring(alert, {
      site: this.id,
      siteName: this.name,
      inSight: ports.visible.value && shown.value && this.#active.value?.session === session,
      opened: () => {
        this.#context.show();
        this.open(session);
      },
    });
  }

  #quiet(session: string): void {
    this.#unread.quiet(session);
    this.#context.ringer.quiet(this.id, session);
  }

  #find(session: string): OpenConversation | undefined {
    return this.#conversations.value.find((one) => one.session === session);
  }

  #speaking(): OperatorClient {
    if (this.#client === undefined) {
      throw new VigieError("disconnected", "this site is not connected", { retry: true });
    }
    return this.#client;
  }

  #detach(): void {
    for (const off of this.#clientOffs) {
      off();
    }
    this.#clientOffs = [];
    this.#degraded.value = false;
    this.#generation = this.#client?.generation ?? this.#generation;
    this.#client?.close();
    this.#client = undefined;
  }

  get #tabsKey(): string {
    return `vigie.desk.tabs.${this.#context.account}.${this.id}`;
  }

  #keepTabs(): void {
    const open = this.#conversations.value.map(({ session }) => session);
    const active = this.#active.value?.session ?? null;
    this.#context.ports.tab.set(this.#tabsKey, JSON.stringify({ open, active }));
  }

  /** The tabs that were open when the page was left. */
  #reopen(): void {
    let kept: { open?: unknown; active?: unknown } = {};
    try {
      kept = JSON.parse(this.#context.ports.tab.get(this.#tabsKey) ?? "{}");
    } catch {
      return;
    }
    const open = Array.isArray(kept.open) ? kept.open.slice(0, CONVERSATIONS_MAX) : [];
    for (const session of open.filter((one) => typeof one === "string")) {
      this.#start(session);
    }
    if (typeof kept.active === "string") {
      this.activate(kept.active);
    }
  }
}
