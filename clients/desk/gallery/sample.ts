/** A desk in memory for looking at every state of its face; no engine is behind it. */

import { computed, signal } from "@preact/signals";
import type {
  Card,
  ConnectionState,
  Control,
  Holder,
  OperatorCard,
  PastSession,
  Show,
  Sort,
  Totals,
} from "@vigie/client";
import type {
  Conversation,
  Desk,
  LiveList,
  NotifyChoice,
  Parts,
  Pending,
  Preferences,
  Profile,
  Refusal,
  SiteDesk,
  Stage,
  ThreadItem,
  Unseen,
} from "../src/model/types.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** This desk's operator. */
export const ME = "op-me";

/** What a state of the gallery differs in. */
export interface Choice {
  readonly stage?: Stage;
  readonly size?: number;
  readonly loading?: boolean;
  readonly connection?: ConnectionState["kind"];
  readonly degraded?: boolean;
  readonly lost?: boolean;
  readonly rank?: SiteDesk["rank"];
  readonly theme?: "auto" | "light" | "dark";
  readonly expired?: boolean;
  readonly blocked?: boolean;
}

/** Signals of a conversation that a state sets. */
export interface SampleConversation extends Conversation {
  readonly set: {
    control(holder: Holder): void;
    pending(pending: readonly Pending[]): void;
    unseen(unseen: Unseen | null): void;
    refusal(refusal: Refusal | null): void;
    closed(): void;
    visitorTyping(text: string | null): void;
    botDraft(text: string | null): void;
    add(item: ThreadItem): void;
  };
}

export function sampleDesk(choice: Choice = {}): Desk & { readonly at: SiteDesk } {
  const now = Date.now();
  const preferences = samplePreferences(choice);
  const first = sampleSite("Northwind Outdoor", now, preferences, choice);
  const second = sampleSite("Atelier Lumen", now, preferences, { ...choice, size: 12 });
  const shown = signal<SiteDesk>(first);
  const stage = signal<Stage>(choice.stage ?? "desk");
  const sound = signal<"ready" | "blocked">(choice.blocked ? "blocked" : "ready");
  const desktop = signal<"granted" | "denied" | "default" | "unsupported">("default");
  return {
    at: first,
    start: async () => {},
    stop: () => {},
    stage,
    retry: async () => {},
    account: signal({ id: "a", login: "marta.ozola" }),
    invitation: signal({
      code: "x",
      rank: "admin",
      sites: ["Northwind Outdoor", "Atelier Lumen"],
      expires: now + HOUR,
    }),
    invitationGone: signal(false),
    expired: signal(choice.expired ?? false),
    signIn: async () => {
      stage.value = "desk";
    },
    accept: async () => {
      stage.value = "desk";
    },
    leaveInvitation: () => {
      stage.value = "signed-out";
    },
    signOut: async () => {
      stage.value = "signed-out";
    },
    invite: async () => ({
      link: "https://desk.example/desk#invitation=J5f0wq8mVnK2",
      expires: now + 72 * HOUR,
    }),
    sites: signal([first, second]),
    site: shown,
    openSite: (id) => {
      shown.value = id === first.id ? first : second;
    },
    preferences,
    notifications: {
      sound,
      desktop,
      ringing: signal(0),
      unlock: async () => {
        sound.value = "ready";
      },
      askDesktop: async () => {
        desktop.value = "granted";
      },
    },
    title: signal("(3) Northwind Outdoor · Vigie"),
  };
}

function samplePreferences(choice: Choice): Preferences {
  return {
    theme: signal<"auto" | "light" | "dark">(choice.theme ?? "auto"),
    notify: signal<NotifyChoice>("all"),
    panel: signal(true),
    sort: signal<Sort>("waiting"),
    parts: signal<Parts>({ visitor: true, operator: true, actions: true }),
  };
}

function sampleSite(name: string, now: number, preferences: Preferences, choice: Choice): SiteDesk {
  const cards = sampleCards(choice.size ?? 64, now);
  const list = sampleList(cards, preferences, choice);
  const open = signal<readonly Conversation[]>([]);
  const active = signal<Conversation | null>(null);
  const displayName = signal("Marta");
  const intent = signal<"available" | "away">("available");
  const made = new Map<string, Conversation>();
  const lost = signal(choice.lost ?? false);
  const connection = signal<ConnectionState>(connectionState(choice.connection ?? "online", now));
  return {
    id: name,
    key: "demo",
    name,
    rank: choice.rank ?? "admin",
    language: "en",
    operator: signal(ME),
    displayName,
    rename: async (value) => {
      displayName.value = value;
    },
    connection,
    retryNow: () => {
      connection.value = connectionState("connecting", now);
    },
    degraded: signal(choice.degraded ?? false),
    lost,
    dismissLost: () => {
      lost.value = false;
    },
    intent,
    setIntent: async (value) => {
      intent.value = value;
    },
    list,
    conversations: open,
    active,
    open(session) {
      let conversation = made.get(session);
      if (conversation === undefined) {
        const card = cards.find((each) => each.session === session) ?? cards[0];
        if (card === undefined) throw new Error("no such session");
        conversation = sampleConversation(card, now);
        made.set(session, conversation);
      }
      if (!open.value.includes(conversation)) open.value = [...open.value, conversation];
      active.value = conversation;
      return conversation;
    },
    activate(session) {
      active.value = open.value.find((each) => each.session === session) ?? null;
    },
    close(session) {
      open.value = open.value.filter((each) => each.session !== session);
      if (active.value?.session === session) active.value = open.value.at(-1) ?? null;
    },
    unread: signal(name === "Atelier Lumen" ? 2 : 3),
    operators: async () => OPERATORS,
    overview: computed(() => active.value === null),
  };
}

function connectionState(kind: ConnectionState["kind"], now: number): ConnectionState {
  switch (kind) {
    case "connecting":
      return { kind, attempt: 1 };
    case "waiting":
      return { kind, attempt: 3, until: now + 12_000, reason: "lost" };
    case "closed":
      return { kind, reason: "token expired" };
    case "online":
      return { kind, identity: { role: "operator" } as never };
  }
}

const OPERATORS: readonly OperatorCard[] = [
  { id: ME, name: "Marta", rank: "admin", intent: "available", connected: true, sessions: 3 },
  {
    id: "op-1",
    name: "Élodie Garnier",
    rank: "supervisor",
    intent: "available",
    connected: true,
    sessions: 5,
  },
  { id: "op-2", name: "Jānis", rank: "agent", intent: "available", connected: true, sessions: 2 },
  { id: "op-3", name: "Tomas", rank: "agent", intent: "away", connected: true, sessions: 0 },
  { id: "op-4", name: "Priya", rank: "agent", intent: "away", connected: false, sessions: 0 },
] as unknown as readonly OperatorCard[];

const COUNTRIES = [
  "FR",
  "LV",
  "DE",
  "GB",
  "US",
  "EE",
  "ES",
  "JP",
  "BR",
  "SE",
  "IN",
  undefined,
  "CA",
  "IT",
];
const BROWSERS = ["Firefox 140", "Chrome 141", "Safari 18", "Edge 140", "Samsung Internet 28"];
const DEVICES = ["desktop", "mobile", "desktop", "tablet", "mobile"] as const;
const SYSTEMS = ["Linux", "Android 15", "macOS 15", "iPadOS 18", "Android 14"];
const PAGES = [
  ["Trail running shoes", "/shop/shoes/trail"],
  ["Delivery & returns", "/help/delivery"],
  ["Your cart", "/cart"],
  ["Two-person tent “Ridge”", "/shop/tents/ridge-2"],
  ["Home", "/"],
] as const;
const SAID = [
  [
    "visitor",
    "Is it possible to change the delivery address after I have paid? I moved last week.",
  ],
  ["bot", "Your parcel left our warehouse this morning and should arrive on Thursday."],
  ["operator", "I have just sent you the new label, it should be in your mailbox."],
  ["visitor", "hello?"],
  ["bot", "The Ridge 2 weighs 1.9 kg including the bag and pegs."],
  ["visitor", "Could I talk to somebody please, this is about a damaged item"],
  ["bot", "Yes, returns are free within 30 days."],
  ["visitor", "merci beaucoup, bonne journée !"],
] as const;

function sampleCards(size: number, now: number): readonly Card[] {
  return Array.from({ length: size }, (_, index) => {
    const [from, text] = SAID[index % SAID.length] ?? SAID[0];
    const [title, path] = PAGES[index % PAGES.length] ?? PAGES[0];
    const waiting = index < 3 ? now - (4 - index) * 83_000 : undefined;
    const messages = index % 9 === 8 ? 0 : 2 + ((index * 7) % 23);
    return {
      session: `s-${String(index).padStart(5, "0")}`,
      visitor: `v-${index}`,
      ordinal: 1 + (index % 4),
      asked: 3,
      started: now - 40_000 - index * 97_000,
      country: COUNTRIES[index % COUNTRIES.length],
      device: DEVICES[index % DEVICES.length] ?? "desktop",
      browser: BROWSERS[index % BROWSERS.length],
      os: SYSTEMS[index % SYSTEMS.length],
      language: "fr",
      page: { url: `https://northwind.example${path}`, title },
      messages,
      ...(messages === 0 ? {} : { last: { from, text, time: now - index * 21_000, offset: 5 } }),
      control: { epoch: 1, since: now - 3 * MINUTE, holder: holder(index) },
      ...(waiting === undefined ? {} : { waiting }),
      bot: index === 7 ? "failed" : index % 11 === 4 ? "answering" : "idle",
      online: index % 10 !== 6,
      offset: 12,
    } as Card;
  });
}

function holder(index: number): Holder {
  if (index > 2 && index % 6 === 3) return { kind: "operator", id: ME, name: "Marta" };
  if (index > 2 && index % 6 === 5) return { kind: "operator", id: "op-1", name: "Élodie Garnier" };
  return { kind: "bot" };
}

function sampleList(all: readonly Card[], preferences: Preferences, choice: Choice): LiveList {
  const show = signal<Show>("all");
  const search = signal("");
  const shown = computed(() => {
    const words = search.value.toLowerCase();
    return all.filter(
      (card) => fits(card, show.value) && JSON.stringify(card).toLowerCase().includes(words),
    );
  });
  const totals = computed<Totals>(() => {
    const count = (wanted: Show) => all.filter((card) => fits(card, wanted)).length;
    return {
      all: all.length,
      waiting: count("waiting"),
      bot: count("bot"),
      mine: count("mine"),
      others: count("others"),
      matching: shown.value.length,
    };
  });
  return {
    show,
    search,
    sort: preferences.sort,
    totals: choice.loading ? signal(null) : totals,
    size: computed(() => (choice.loading ? 0 : shown.value.length)),
    loading: signal(choice.loading ?? false),
    version: computed(() => shown.value.length),
    card: (index) => shown.value[index],
    find: (session) => all.find((card) => card.session === session),
    indexOf: (session) => shown.value.findIndex((card) => card.session === session),
    look: () => {},
    unread: (session) => ({ "s-00000": 2, "s-00003": 1 })[session] ?? 0,
    selected: signal<string | null>(null),
  };
}

function fits(card: Card, show: Show): boolean {
  const { holder: held } = card.control;
  switch (show) {
    case "all":
      return true;
    case "waiting":
      return card.waiting !== undefined;
    case "bot":
      return held.kind === "bot";
    case "mine":
      return held.kind === "operator" && held.id === ME;
    case "others":
      return held.kind === "operator" && held.id !== ME;
  }
}

function sampleConversation(card: Card, now: number): SampleConversation {
  const control = signal<Control>(card.control);
  const items = signal<readonly ThreadItem[]>(sampleThread(card, now));
  const pending = signal<readonly Pending[]>([]);
  const unseen = signal<Unseen | null>(null);
  const refusal = signal<Refusal | null>(null);
  const closed = signal(false);
  const text = signal("");
  const noteMode = signal(false);
  const visitorTyping = signal<string | null>(null);
  const botDraft = signal<string | null>(null);
  const past = signal<readonly PastSession[]>(pastSessions(now).slice(0, 3));
  const more = signal(true);
  const take = (next: Holder) => {
    control.value = { epoch: control.value.epoch + 1, holder: next, since: Date.now() };
  };
  const said = (part: "operator" | "note") => {
    const author = { kind: "operator", id: ME, name: "Marta" } as const;
    const offset = (items.value.at(-1)?.offset ?? 0) + 1;
    const base = { offset, time: Date.now(), author, text: text.value, mine: true };
    const item: ThreadItem =
      part === "note"
        ? { ...base, kind: "note", part }
        : { ...base, kind: "message", part, choices: [] };
    items.value = [...items.value, item];
    text.value = "";
  };
  return {
    session: card.session,
    card: signal(card),
    items,
    loading: signal(false),
    control,
    mine: computed(
      () => control.value.holder.kind === "operator" && control.value.holder.id === ME,
    ),
    closed,
    text,
    noteMode,
    pending,
    send: async () => said(noteMode.value ? "note" : "operator"),
    retry: () => {
      pending.value = [];
    },
    discard: () => {
      pending.value = [];
      unseen.value = null;
    },
    unseen,
    takeOver: async () => take({ kind: "operator", id: ME, name: "Marta" }),
    release: async () => take({ kind: "bot" }),
    revoke: async () => take({ kind: "bot" }),
    transfer: async (to) => take({ kind: "operator", id: to, name: "Jānis" }),
    closeSession: async () => {
      closed.value = true;
    },
    acting: signal(null),
    refusal,
    dismiss: () => {
      refusal.value = null;
    },
    visitorTyping,
    botDraft,
    operatorTyping: signal(null),
    typing: () => {},
    look: () => {},
    unread: signal(card.session === "s-00000" ? 2 : 0),
    profile: signal(sampleProfile(card, now)),
    past: {
      sessions: past,
      more,
      state: signal<"loaded">("loaded"),
      load: async () => {},
      loadMore: async () => {
        past.value = pastSessions(now);
        more.value = false;
      },
      open: async () => [],
      thread: async () => sampleThread(card, now - 26 * HOUR),
    },
    set: {
      control: take,
      pending: (value) => {
        pending.value = value;
      },
      unseen: (value) => {
        unseen.value = value;
      },
      refusal: (value) => {
        refusal.value = value;
      },
      closed: () => {
        closed.value = true;
      },
      visitorTyping: (value) => {
        visitorTyping.value = value;
      },
      botDraft: (value) => {
        botDraft.value = value;
      },
      add: (item) => {
        items.value = [...items.value, item];
      },
    },
  };
}

function pastSessions(now: number): readonly PastSession[] {
  return Array.from({ length: 8 }, (_, index) => ({
    session: `past-${index}`,
    ordinal: 8 - index,
    started: now - (index + 1) * 31 * HOUR,
    closed: now - (index + 1) * 31 * HOUR + 9 * MINUTE,
    messages: 4 + index * 3,
    last: { from: "visitor", text: "Perfect, thank you for the quick help!", time: now, offset: 9 },
    ...(index === 0 ? { rating: { score: 5 } } : {}),
  })) as unknown as readonly PastSession[];
}

function sampleProfile(card: Card, now: number): Profile {
  const page = (at: number) => {
    const [title, path] = PAGES[at % PAGES.length] ?? PAGES[0];
    return { url: `https://northwind.example${path}`, title };
  };
  return {
    provenance: {
      kind: "search",
      engine: "DuckDuckGo",
      referrer: "https://duckduckgo.com/?q=ultralight+two+person+tent",
    },
    navigation: {
      started: card.started,
      visits: card.ordinal ?? 1,
      current: page(3),
      pages: [4, 0, 1, 2, 4, 3].map((at, index) => ({
        page: page(at),
        time: now - (6 - index) * 2 * MINUTE,
        ...(index === 5 ? {} : { stay: (20 + index * 37) * 1000 }),
      })),
    },
    ...(card.country === undefined ? {} : { country: card.country }),
    device: card.device,
    ...(card.browser === undefined ? {} : { browser: card.browser }),
    ...(card.os === undefined ? {} : { os: card.os }),
    language: "fr-FR",
    data:
      card.session === "s-00000"
        ? {
            name: "Camille Fournier",
            plan: "Club",
            "cart value": "284.00 €",
            customer_id: "C-20418",
          }
        : {},
    rating: { score: 4 },
  };
}

function sampleThread(card: Card, now: number): readonly ThreadItem[] {
  const start = now - 27 * MINUTE;
  const visitor = { kind: "visitor" } as const;
  const bot = { kind: "bot", name: "Nora" } as const;
  const elodie = { kind: "operator", id: "op-1", name: "Élodie Garnier" } as const;
  let offset = 0;
  const at = (minute: number) => ({ offset: ++offset, time: start + minute * MINUTE });
  const page = (index: number) => {
    const [title, path] = PAGES[index] ?? PAGES[0];
    return { url: `https://northwind.example${path}`, title };
  };
  const context = { device: card.device };
  return [
    {
      ...at(-26 * 60),
      author: visitor,
      kind: "started",
      part: "action",
      ordinal: card.ordinal,
      context,
    },
    {
      ...at(-26 * 60 + 1),
      author: visitor,
      kind: "message",
      part: "visitor",
      text: "Bonsoir, la tente Ridge est-elle encore disponible en vert ?",
      choices: [],
      mine: false,
    },
    {
      ...at(-26 * 60 + 1.2),
      author: bot,
      kind: "message",
      part: "bot",
      text: "Oui, la Ridge 2 est disponible en vert sapin et en sable. Elle est expédiée sous 24 h.",
      choices: [],
      mine: false,
    },
    { ...at(-26 * 60 + 9), author: { kind: "system" }, kind: "left", part: "action" },
    { ...at(0), author: visitor, kind: "returned", part: "action", context },
    { ...at(0.2), author: visitor, kind: "page", part: "action", page: page(3) },
    {
      ...at(2),
      author: visitor,
      kind: "message",
      part: "visitor",
      text: "Hi again! I ordered the tent yesterday.",
      choices: [],
      mine: false,
    },
    {
      ...at(2.4),
      author: visitor,
      kind: "message",
      part: "visitor",
      text: "Is it possible to change the delivery address after I have paid? I moved last week.",
      choices: [],
      mine: false,
    },
    {
      ...at(2.8),
      author: bot,
      kind: "message",
      part: "bot",
      text: "As long as the parcel has not left our warehouse, yes. You find the order under https://northwind.example/account/orders and can change the address there.",
      choices: [
        { label: "Where is my parcel?", action: "send" },
        { label: "Talk to a human", action: "request_human" },
      ],
      mine: false,
    },
    { ...at(4), author: visitor, kind: "page", part: "action", page: page(1) },
    {
      ...at(5),
      author: visitor,
      kind: "message",
      part: "visitor",
      text: "It says “in preparation” and there is no button.",
      choices: [],
      mine: false,
    },
    {
      ...at(5.5),
      author: { kind: "bot", name: "Nora" },
      kind: "bot-failed",
      part: "action",
      reason: "timeout",
    },
    { ...at(6), author: visitor, kind: "human", part: "action" },
    {
      ...at(9),
      author: elodie,
      kind: "control",
      part: "action",
      holder: elodie,
      previous: { kind: "bot" },
      cause: "take_over",
    },
    {
      ...at(9.4),
      author: elodie,
      kind: "message",
      part: "operator",
      text: "Hello, Élodie here. I am looking at your order right now.",
      choices: [],
      mine: false,
    },
    {
      ...at(11),
      author: elodie,
      kind: "note",
      part: "note",
      text: "Warehouse says: parcel is packed, label can still be replaced until 16:00. Marta, could you take this one? I am in a call at three.",
      mine: false,
    },
    {
      ...at(12),
      author: elodie,
      kind: "control",
      part: "action",
      holder: { kind: "bot" },
      previous: elodie,
      cause: "release",
    },
    {
      ...at(23),
      author: visitor,
      kind: "message",
      part: "visitor",
      text: "Could I talk to somebody please?",
      choices: [],
      mine: false,
    },
  ] as readonly ThreadItem[];
}
