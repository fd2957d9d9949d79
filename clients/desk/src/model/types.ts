/**
 * What the desk is, without its face: everything that the interface reads and calls.
 *
 * The interface reads signals and calls methods; it holds no state of the conversation of its own.
 * All of this is made by `createDesk` in `desk.ts`.
 */

import type { ReadonlySignal, Signal } from "@preact/signals";
import type {
  Alert,
  Author,
  BotFailure,
  Card,
  Choice,
  CloseCause,
  ConnectionState,
  Control,
  ControlCause,
  Device,
  Event,
  Holder,
  Intent,
  OpenTransport,
  OperatorCard,
  Page,
  PastSession,
  Rank,
  Show,
  Sort,
  Totals,
  VisitorContext,
} from "@vigie/client";

/** The desk of one signed-in operator, over all their sites. */
export interface Desk {
  /** Reads the address and who is signed in, and opens the desk. Call once. */
  start(): Promise<void>;
  /** Closes every connection. Nothing that was composed is lost. */
  stop(): void;
  /** What is to be shown: nothing yet, a form, the desk, or that the engine cannot be reached. */
  readonly stage: ReadonlySignal<Stage>;
  /** Asks again who is signed in, after `stage` was `unreachable`. */
  retry(): Promise<void>;
  readonly account: ReadonlySignal<Account | null>;
  /** What the invitation in the address opens; `null` when there is none. */
  readonly invitation: ReadonlySignal<Invitation | null>;
  /** True after the address named an invitation that is used, expired or unknown. */
  readonly invitationGone: ReadonlySignal<boolean>;
  /** The sign-in has run out while the desk was open: sign in again over it; drafts stay. */
  readonly expired: ReadonlySignal<boolean>;
  /** Rejects with an {@link ApiError}. */
  signIn(login: string, password: string): Promise<void>;
  /** Makes an account of the invitation. Rejects with an {@link ApiError}. */
  accept(form: AcceptForm): Promise<void>;
  /** Goes from the invitation to the sign-in form. */
  leaveInvitation(): void;
  signOut(): Promise<void>;
  /** Admins: a link that makes an account of that rank. Rejects with an {@link ApiError}. */
  invite(site: string, rank: Rank): Promise<InvitationLink>;
  readonly sites: ReadonlySignal<readonly SiteDesk[]>;
  /** The site that is shown. */
  readonly site: ReadonlySignal<SiteDesk | null>;
  openSite(id: string): void;
  readonly preferences: Preferences;
  readonly notifications: Notifications;
  /** The document's title, with the unread count. */
  readonly title: ReadonlySignal<string>;
}

export type Stage = "loading" | "signed-out" | "invited" | "desk" | "unreachable";

/** Who is signed in. */
export interface Account {
  readonly id: string;
  readonly login: string;
}

/** What an invitation opens. */
export interface Invitation {
  readonly code: string;
  readonly rank: Rank;
  /** Names of the sites. */
  readonly sites: readonly string[];
  /** When it ends; milliseconds. */
  readonly expires: number;
  /** Whose new password it is for; absent when it makes an account. */
  readonly login?: string;
}

export interface InvitationLink {
  readonly link: string;
  readonly expires: number;
}

export interface AcceptForm {
  readonly login: string;
  readonly password: string;
  readonly displayName: string;
}

/** What went wrong with a request to the HTTP API; thrown as `ApiError` (`http.ts`). */
export type ApiProblem =
  /** Wrong login or password. */
  | { readonly kind: "wrong" }
  /** Too many attempts; `retryAfter` in seconds. */
  | { readonly kind: "slow-down"; readonly retryAfter: number }
  /** Nobody is signed in (any more). */
  | { readonly kind: "expired" }
  | { readonly kind: "forbidden" }
  /** Not there: an invitation that is used, expired or unknown. */
  | { readonly kind: "gone" }
  /** The login is taken. */
  | { readonly kind: "taken" }
  /** A field is not as it must be. */
  | { readonly kind: "field"; readonly field: string; readonly message: string }
  /** No answer: the network or the engine is down. */
  | { readonly kind: "unreachable" }
  /** Anything else; the server's words. */
  | { readonly kind: "other"; readonly status: number; readonly message: string };

/** What the operator has chosen; kept in this browser, the same in all its tabs. */
export interface Preferences {
  readonly theme: Signal<"auto" | "light" | "dark">;
  readonly notify: Signal<NotifyChoice>;
  /** Whether the visitor panel is open. */
  readonly panel: Signal<boolean>;
  /** The live list's order. */
  readonly sort: Signal<Sort>;
  /** Which parts of a thread are shown. */
  readonly parts: Signal<Parts>;
}

/** What rings: every message, only new conversations (and who waits for a human), or nothing. */
export type NotifyChoice = "all" | "new" | "none";

/** Which parts of a thread are shown; see `filterThread` in `thread.ts`. */
export interface Parts {
  /** What the visitor said. */
  readonly visitor: boolean;
  /** What was answered: operators, the bot, and notes among operators. */
  readonly operator: boolean;
  /** Control changes, pages and everything else that happened. */
  readonly actions: boolean;
}

/** Sound and desktop notifications. */
export interface Notifications {
  /** `blocked`: the browser plays no sound until the operator has clicked; call `unlock` then. */
  readonly sound: ReadonlySignal<"ready" | "blocked">;
  readonly desktop: ReadonlySignal<DesktopPermission>;
  /** How many conversations ring right now. */
  readonly ringing: ReadonlySignal<number>;
  /** Lets sound play; must be called from a click or key press. */
  unlock(): Promise<void>;
  /** Asks the browser for desktop notifications; must be called from a click or key press. */
  askDesktop(): Promise<void>;
}

export type DesktopPermission = "granted" | "denied" | "default" | "unsupported";

/** One site's desk: its connection, its live list, and the conversations that are open. */
export interface SiteDesk {
  readonly id: string;
  /** The public key that the site's pages carry. */
  readonly key: string;
  readonly name: string;
  readonly rank: Rank;
  /** BCP 47: the language that the site speaks by default. */
  readonly language: string;
  /** Who the engine takes this operator for; `null` until connected the first time. */
  readonly operator: ReadonlySignal<string | null>;
  /** What visitors see. */
  readonly displayName: ReadonlySignal<string>;
  /** Rejects with an {@link ApiError}. */
  rename(name: string): Promise<void>;
  readonly connection: ReadonlySignal<ConnectionState>;
  /** Does not wait for the next attempt. */
  retryNow(): void;
  /** The engine does not hear the rest of its cluster: what is shown may be late. */
  readonly degraded: ReadonlySignal<boolean>;
  /** The engine has lost what came last, and all that is shown was made anew; until dismissed. */
  readonly lost: ReadonlySignal<boolean>;
  dismissLost(): void;
  readonly intent: ReadonlySignal<Intent>;
  setIntent(intent: Intent): Promise<void>;
  readonly list: LiveList;
  /** The open tabs, in the order in which they were opened; at most `CONVERSATIONS_MAX`. */
  readonly conversations: ReadonlySignal<readonly Conversation[]>;
  /** The tab that is shown; `null`: the overview. */
  readonly active: ReadonlySignal<Conversation | null>;
  /** Opens a tab (or finds it) and shows it. */
  open(session: string): Conversation;
  /** Shows an open tab; `null` shows the overview. */
  activate(session: string | null): void;
  /** Closes the tab; the conversation goes on, what was composed stays. */
  close(session: string): void;
  /** Messages that were not looked at, over all conversations that concern this operator. */
  readonly unread: ReadonlySignal<number>;
  operators(): Promise<readonly OperatorCard[]>;
  /** True when no tab is shown: all live conversations over all operators. */
  readonly overview: ReadonlySignal<boolean>;
}

/** The live list: a window that moves over N cards. */
export interface LiveList {
  readonly show: Signal<Show>;
  /** Takes effect when typing has paused. */
  readonly search: Signal<string>;
  /** The same signal as `preferences.sort`. */
  readonly sort: Signal<Sort>;
  readonly totals: ReadonlySignal<Totals | null>;
  /** How many cards match the filter and search; `totals.matching`. */
  readonly size: ReadonlySignal<number>;
  /** Nothing was loaded yet for this filter and search. */
  readonly loading: ReadonlySignal<boolean>;
  /** Rises when anything that `card`, `indexOf` or `unread` answer may have changed. */
  readonly version: ReadonlySignal<number>;
  /** The card at that place; `undefined`: not loaded yet. */
  card(index: number): Card | undefined;
  /** A card by its session, when it is loaded. */
  find(session: string): Card | undefined;
  /** Where the session's card is; -1: not loaded, or not in the list. */
  indexOf(session: string): number;
  /** What is visible now, both inclusive; loads it with a margin around. Cheap: call on scroll. */
  look(first: number, last: number): void;
  /** Messages of that session that were not looked at. */
  unread(session: string): number;
  /** The card that the keyboard is on. */
  readonly selected: Signal<string | null>;
}

/** One conversation that is open in a tab. */
export interface Conversation {
  readonly session: string;
  /** `null` until the engine has told of it. */
  readonly card: ReadonlySignal<Card | null>;
  /** The thread, by offset. A new array for each change. */
  readonly items: ReadonlySignal<readonly ThreadItem[]>;
  /** True until what was said so far has come. */
  readonly loading: ReadonlySignal<boolean>;
  readonly control: ReadonlySignal<Control | null>;
  /** Whether this operator is in control. */
  readonly mine: ReadonlySignal<boolean>;
  readonly closed: ReadonlySignal<boolean>;
  /** What is composed; kept for this browser tab, over reloads and an expired sign-in. */
  readonly text: Signal<string>;
  /** Whether what is composed is a note among operators. */
  readonly noteMode: Signal<boolean>;
  /** What was sent and is not in the thread yet, or was refused. */
  readonly pending: ReadonlySignal<readonly Pending[]>;
  /**
   * Sends what is composed, and empties the composer. With `confirm`, sends what waits for
   * confirmation (`unseen`) although the visitor has said more since.
   */
  send(options?: { readonly confirm?: boolean }): Promise<void>;
  /** Sends a failed message again, under the same key. */
  retry(key: string): void;
  /** Takes a failed message back into the composer if that is empty, and drops it from `pending`. */
  discard(key: string): void;
  /** The visitor has said more than what was shown when the message was sent. */
  readonly unseen: ReadonlySignal<Unseen | null>;
  takeOver(options?: { readonly force?: boolean; readonly reason?: string }): Promise<void>;
  release(): Promise<void>;
  revoke(reason: string): Promise<void>;
  transfer(to: string, reason?: string): Promise<void>;
  closeSession(): Promise<void>;
  /** Whether an action (taking over, releasing …) is on its way. */
  readonly acting: ReadonlySignal<ConversationAction | null>;
  /** What the last action was refused with. */
  readonly refusal: ReadonlySignal<Refusal | null>;
  /** Takes `refusal` down. */
  dismiss(): void;
  /** What the visitor is drafting; `""`: typing, without text; `null`: not typing. */
  readonly visitorTyping: ReadonlySignal<string | null>;
  /** The bot's answer so far. */
  readonly botDraft: ReadonlySignal<string | null>;
  /** The name of another operator who is typing. */
  readonly operatorTyping: ReadonlySignal<string | null>;
  /** The operator is typing; call on every input, it is thinned out. */
  typing(): void;
  /** Whether the thread's end is before the operator's eyes; what comes is unread while not. */
  look(looking: boolean): void;
  readonly unread: ReadonlySignal<number>;
  readonly profile: ReadonlySignal<Profile>;
  readonly past: Past;
}

export type ConversationAction =
  | "take-over"
  | "release"
  | "revoke"
  | "transfer"
  | "close"
  | "send"
  | "note";

/** A message or note of this operator that is not in the thread yet. */
export interface Pending {
  /** Names the message over every attempt. */
  readonly key: string;
  readonly text: string;
  readonly note: boolean;
  /** `sending`: also while offline; `unseen`: waits to be confirmed; `failed`: refused for good. */
  readonly state: "sending" | "unseen" | "failed";
  /** Why it failed. */
  readonly refusal?: Refusal;
  /** When it was sent first, by this browser's clock. */
  readonly time: number;
}

export interface Unseen {
  /** The message that waits. */
  readonly key: string;
  /** How many messages of the visitor were not shown. */
  readonly count: number;
}

/** Why an action was refused, in a form that the interface has words for. */
export type Refusal = { readonly action: ConversationAction } & (
  | {
      /** Another operator is in control: who, and since when. */
      readonly kind: "held";
      readonly holder: Holder;
      readonly since: number;
    }
  | {
      /** One would have to be in control; who is, where that was told. */
      readonly kind: "not-in-control";
      readonly holder?: Holder;
      readonly since?: number;
    }
  | { readonly kind: "forbidden" }
  /** The operator to transfer to is not connected, or away. */
  | { readonly kind: "unavailable" }
  /** The conversation is closed. */
  | { readonly kind: "closed" }
  /** The conversation's log is at its bound. */
  | { readonly kind: "full" }
  /** The connection was lost before the answer came; try again. */
  | { readonly kind: "offline" }
  /** Too many messages wait to be sent already (`PENDING_MAX`). */
  | { readonly kind: "too-many" }
  /** Longer than a message may be; in bytes. */
  | { readonly kind: "too-long"; readonly bytes: number; readonly max: number }
  /** Anything else; the engine's words. */
  | { readonly kind: "other"; readonly code: number; readonly message: string }
);

/** Which part of a thread an item belongs to. */
export type ThreadPart = "visitor" | "operator" | "bot" | "note" | "action";

interface ItemOf<Kind extends string, Part extends ThreadPart> {
  readonly kind: Kind;
  readonly part: Part;
  readonly offset: number;
  /** When the engine accepted it; milliseconds. */
  readonly time: number;
  readonly author: Author;
}

/** Something said. */
export interface MessageItem extends ItemOf<"message", "visitor" | "operator" | "bot"> {
  readonly text: string;
  readonly choices: readonly Choice[];
  /** Whether this desk's operator said it. */
  readonly mine: boolean;
  /** The client's key, for what operators said. */
  readonly key?: string;
}

/** A note among operators. */
export interface NoteItem extends ItemOf<"note", "note"> {
  readonly text: string;
  readonly mine: boolean;
  readonly key?: string;
}

/** Control went from one holder to another. */
export interface ControlItem extends ItemOf<"control", "action"> {
  readonly holder: Holder;
  readonly previous: Holder;
  readonly cause: ControlCause;
  readonly reason?: string;
}

/** The visitor opened a page. */
export interface PageItem extends ItemOf<"page", "action"> {
  readonly page: Page;
}

/** The visitor asked for a human, or the engine did for them. */
export interface HumanItem extends ItemOf<"human", "action"> {}

/** The bot did not answer. */
export interface BotFailedItem extends ItemOf<"bot-failed", "action"> {
  readonly reason: BotFailure;
  readonly detail?: string;
}

export interface RatedItem extends ItemOf<"rated", "action"> {
  /** 1 to 5. */
  readonly score: number;
  readonly comment?: string;
}

/** The site's page told other data of the visitor. */
export interface DataItem extends ItemOf<"data", "action"> {
  readonly data: Readonly<Record<string, string>>;
}

export interface StartedItem extends ItemOf<"started", "action"> {
  /** Which of the visitor's sessions it is. */
  readonly ordinal: number;
  readonly context: VisitorContext;
}

export interface ReturnedItem extends ItemOf<"returned", "action"> {
  readonly context: VisitorContext;
}

export interface LeftItem extends ItemOf<"left", "action"> {}

export interface ClosedItem extends ItemOf<"closed", "action"> {
  readonly cause: CloseCause;
}

/** An entry of a thread. Events of a type that this desk does not know make none. */
export type ThreadItem =
  | MessageItem
  | NoteItem
  | ControlItem
  | PageItem
  | HumanItem
  | BotFailedItem
  | RatedItem
  | DataItem
  | StartedItem
  | ReturnedItem
  | LeftItem
  | ClosedItem;

/** What is known of a visitor; from the events and the card. */
export interface Profile {
  readonly provenance: Provenance;
  readonly navigation: Navigation;
  readonly country?: string;
  readonly device: Device;
  readonly browser?: string;
  readonly os?: string;
  readonly language?: string;
  /** What the site's page says of the visitor; unverified. */
  readonly data: Readonly<Record<string, string>>;
  readonly rating?: { readonly score: number; readonly comment?: string };
}

export interface Provenance {
  readonly kind: "search" | "link" | "direct";
  readonly referrer?: string;
  /** The search engine's name. */
  readonly engine?: string;
}

export interface Navigation {
  /** When the session started. */
  readonly started: number;
  /** In the order in which they were opened; the latest `PROFILE_PAGES_MAX`. */
  readonly pages: readonly PageVisit[];
  /** Where the visitor is now; open it in a new tab only if `safeUrl` (`profile.ts`) takes it. */
  readonly current?: Page;
  /** How many times the visitor has come: the session's ordinal. */
  readonly visits: number;
}

export interface PageVisit {
  readonly page: Page;
  readonly time: number;
  /** How long the visitor stayed, in milliseconds; absent for the page that they are on. */
  readonly stay?: number;
}

/** The same visitor's other conversations, latest first. */
export interface Past {
  readonly sessions: ReadonlySignal<readonly PastSession[]>;
  /** Whether there are more than those. */
  readonly more: ReadonlySignal<boolean>;
  readonly state: ReadonlySignal<"idle" | "loading" | "loaded" | "failed">;
  /** The last three. */
  load(): Promise<void>;
  /** More of them. */
  loadMore(): Promise<void>;
  /** What happened in one of them. */
  open(session: string): Promise<readonly Event[]>;
  /** The same as a thread. */
  thread(session: string): Promise<readonly ThreadItem[]>;
}

/** Of what a sound or a desktop notification tells. */
export type AlertKind = Alert["kind"];

/** The browser's clock; replaced in tests. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `run` once after `ms`; returns what cancels it. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` before the next frame is painted, or after 50 ms if none is; returns what cancels it. */
  frame(run: () => void): () => void;
}

/** Plays the desk's sounds. */
export interface Sound {
  /** Whether the browser lets it be heard. */
  readonly ready: ReadonlySignal<boolean>;
  /** Must be called from a click or key press where the browser blocks. */
  unlock(): Promise<void>;
  play(request: SoundRequest): void;
}

export interface SoundRequest {
  readonly kind: AlertKind;
  readonly site: string;
  readonly session: string;
  /** Which time it rings for the same thing: 1, then 2, 3 … */
  readonly round: number;
}

/** Shows desktop notifications. */
export interface Notifier {
  readonly permission: ReadonlySignal<DesktopPermission>;
  ask(): Promise<void>;
  /** Shows one; another of the same `tag` takes its place. */
  show(notice: DesktopNotice): void;
  /** Takes it down. */
  hide(tag: string): void;
}

export interface DesktopNotice {
  readonly tag: string;
  readonly kind: AlertKind;
  /** The site's name. */
  readonly site: string;
  readonly card: Card;
  /** The operator clicked it. */
  opened(): void;
}

/** The words of a desktop notification; given by the interface, which knows the languages. */
export type NoticeWords = (notice: DesktopNotice) => {
  readonly title: string;
  readonly body: string;
};

/** A place where text is kept: `localStorage` or `sessionStorage`. Never throws. */
export interface Storage {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
  /** Called when another tab of this browser has changed something; returns "off". */
  changed(run: (key: string, value: string | null) => void): () => void;
}

/** Which of a browser's tabs rings: exactly one, where the browser offers the means. */
export interface Leader {
  /** Whether this tab is the one. */
  leads(): boolean;
  /** Another tab would do better (it may play sounds): let it. */
  setFit(fit: boolean): void;
  stop(): void;
}

/** The means of the browser, behind ports; the real ones are made in `platform.ts`. */
export interface Ports {
  /** Where the engine is: `https://host`, without a path. */
  readonly origin: string;
  readonly clock: Clock;
  /** Kept for good, the same in all tabs. */
  readonly local: Storage;
  /** Kept for this tab, over reloads. */
  readonly tab: Storage;
  readonly sound: Sound;
  readonly notifier: Notifier;
  readonly leader: Leader;
  readonly address: Address;
  /** Whether the operator sees this tab now. */
  readonly visible: ReadonlySignal<boolean>;
  readonly fetch: typeof fetch;
  /** What the connections travel on; the browser's WebSocket if left out. */
  readonly transport?: OpenTransport;
}

/** The address bar, as far as the desk needs it. */
export interface Address {
  /** What follows `#`. */
  fragment(): string;
  /** Removes it from the address and from the history. */
  clearFragment(): void;
}
