// Generated from protocol/schema/vigie.schema.json by `npm run generate`. Do not edit.
//
// Enumerations grow: a value that is not listed here can come from a newer engine, and is to be
// treated as "unknown". The same goes for the types of events.

/**
 * What an alert tells of.
 *
 * - `waiting`: The visitor began to wait for a human.
 * - `new`: The visitor's first message of a session.
 * - `message`: A further message of the visitor.
 * - `unknown`: A kind that this version does not know.
 */
export type AlertKind = "waiting" | "new" | "message" | "unknown";
/**
 * Which alerts an operator wants.
 *
 * - `none`: None.
 * - `new`: New conversations, and visitors who begin to wait for a human.
 * - `all`: Also every further message of a visitor.
 */
export type Alerts = "none" | "new" | "all";
/**
 * Who did something, stamped by the server and never taken from a client.
 */
export type Author =
  | {
      /**
       * Tells which of them it is.
       */
      kind: "visitor";
    }
  | {
      /**
       * Absent in what visitors are shown.
       */
      id?: string;
      /**
       * Tells which of them it is.
       */
      kind: "operator";
      /**
       * The display name.
       */
      name: string;
    }
  | {
      /**
       * Tells which of them it is.
       */
      kind: "bot";
      /**
       * Its display name.
       */
      name: string;
    }
  | {
      /**
       * Tells which of them it is.
       */
      kind: "system";
    }
  | {
      /**
       * Tells which of them it is.
       */
      kind: "unknown";
    };
/**
 * Why a bot did not answer.
 *
 * - `timeout`: No answer within the time limit.
 * - `unavailable`: No bot serves the site.
 * - `error`: The bot said that it failed.
 * - `unknown`: A reason that this version does not know.
 */
export type BotFailure = "timeout" | "unavailable" | "error" | "unknown";
/**
 * How the bot is doing in a session.
 *
 * - `idle`: Nothing to answer.
 * - `answering`: A turn is with the bot.
 * - `failed`: The last turn was not answered.
 */
export type BotState = "idle" | "answering" | "failed";
/**
 * What choosing a `Choice` does.
 *
 * - `send`: Sends the label as the visitor's message.
 * - `request_human`: Calls `request_human`.
 */
export type ChoiceAction = "send" | "request_human";
/**
 * Why a session was closed.
 *
 * - `operator`: An operator closed it.
 * - `away`: The visitor was away for longer than the site waits.
 * - `visitor`: The visitor ended it.
 * - `unknown`: A cause that this version does not know.
 */
export type CloseCause = "operator" | "away" | "visitor" | "unknown";
/**
 * How control changed.
 *
 * - `take_over`: An operator took over from the bot.
 * - `forced`: A supervisor or admin took over from another operator, with a reason.
 * - `release`: The holder handed back to the bot.
 * - `transfer`: The holder handed over to another operator.
 * - `revoke`: A supervisor or admin handed another operator's session back to the bot.
 * - `lease_expired`: The holder's connections were gone for the grace time.
 * - `unknown`: A cause that this version does not know.
 */
export type ControlCause =
  "take_over" | "forced" | "release" | "transfer" | "revoke" | "lease_expired" | "unknown";
/**
 * What kind of device.
 *
 * - `mobile`: A phone.
 * - `tablet`: A tablet.
 * - `desktop`: A computer.
 * - `unknown`: Not to be told.
 */
export type Device = "mobile" | "tablet" | "desktop" | "unknown";
/**
 * An error's code; see `ERROR_NAMES`.
 */
export type ErrorCode = number;
/**
 * What happened. Clients ignore types that they do not know; servers carry them.
 */
export type EventBody =
  | BotFailedBody
  | ControlChangedBody
  | DataChangedBody
  | HumanRequestedBody
  | MessageBody
  | NoteBody
  | PageViewedBody
  | SessionClosedBody
  | SessionRatedBody
  | SessionStartedBody
  | VisitorLeftBody
  | VisitorReturnedBody;
/**
 * Who answers a session: the bot, or exactly one operator.
 */
export type Holder =
  | {
      /**
       * Tells which of them it is.
       */
      kind: "bot";
    }
  | {
      /**
       * Absent in what visitors are shown.
       */
      id?: string;
      /**
       * Tells which of them it is.
       */
      kind: "operator";
      /**
       * The display name.
       */
      name: string;
    };
/**
 * Who the server takes a client for.
 */
export type Identity =
  | {
      /**
       * Who is in control.
       */
      control: Control;
      /**
       * The last offset of the session that visitors see.
       */
      offset: number;
      /**
       * Private: names this visitor in later `connect`s. Keep it, show it to nobody.
       */
      resume: string;
      /**
       * Tells which of them it is.
       */
      role: "visitor";
      /**
       * The session that they are in.
       */
      session: string;
      /**
       * The site.
       */
      site: string;
      /**
       * The visitor.
       */
      visitor: string;
    }
  | {
      /**
       * When the token expires.
       */
      expires: number;
      /**
       * The operator.
       */
      id: string;
      /**
       * The display name that visitors see.
       */
      name: string;
      /**
       * What they may do.
       */
      rank: Rank;
      /**
       * Tells which of them it is.
       */
      role: "operator";
      /**
       * The site.
       */
      site: string;
    }
  | {
      /**
       * When the token expires.
       */
      expires: number;
      /**
       * Its id.
       */
      id: string;
      /**
       * The display name that visitors see.
       */
      name: string;
      /**
       * Tells which of them it is.
       */
      role: "bot";
      /**
       * The site.
       */
      site: string;
    };
/**
 * What an operator says of their own availability.
 *
 * - `available`: Takes sessions.
 * - `away`: Does not.
 */
export type Intent = "available" | "away";
/**
 * What an operator may do; each may do what those before it may.
 *
 * - `agent`: Observes, takes over from the bot, answers, releases, transfers.
 * - `supervisor`: Also forces a take-over and revokes control, with a reason.
 * - `admin`: Also administers the site.
 */
export type Rank = "agent" | "supervisor" | "admin";
/**
 * Why a turn was revoked.
 *
 * - `taken_over`: A human is in control now.
 * - `superseded`: The visitor said more; a newer turn follows.
 * - `timeout`: The time limit has passed.
 * - `closed`: The session was closed.
 * - `unknown`: A reason that this version does not know.
 */
export type RevokeReason = "taken_over" | "superseded" | "timeout" | "closed" | "unknown";
/**
 * Sessions by who is in control.
 *
 * - `all`: Every session.
 * - `waiting`: Those whose visitor waits for a human.
 * - `bot`: Those that the bot answers.
 * - `mine`: Those that the watching operator controls.
 * - `others`: Those that other operators control.
 */
export type Show = "all" | "waiting" | "bot" | "mine" | "others";
/**
 * The order of a window. Ties are broken by session id, ascending.
 *
 * - `newest`: By `started`, latest first.
 * - `oldest`: By `started`, earliest first.
 * - `activity`: By the last message's time (or `started` before any), latest first.
 * - `waiting`: Waiting visitors first, longest waiting on top; then the others by `started`, latest first.
 */
export type Sort = "newest" | "oldest" | "activity" | "waiting";
/**
 * The side that said something.
 *
 * - `visitor`: The visitor.
 * - `operator`: An operator.
 * - `bot`: The bot.
 */
export type Speaker = "visitor" | "operator" | "bot";

/**
 * Parameters of `note`.
 */
export interface AddNoteParams {
  /**
   * Names this note, as `send`'s key does.
   */
  key: string;
  /**
   * Which session.
   */
  session: string;
  /**
   * Plain text.
   */
  text: string;
}
/**
 * A signal that somebody may be wanted; it has no place in any log.
 */
export interface Alert {
  /**
   * In which session.
   */
  card: Card;
  /**
   * What happened.
   */
  kind: AlertKind;
}
/**
 * Parameters of `answer`.
 */
export interface AnswerParams {
  /**
   * Follow-ups for the visitor.
   */
  choices?: Choice[];
  /**
   * The epoch that the turn was asked under.
   */
  epoch: number;
  /**
   * Which session.
   */
  session: string;
  /**
   * Plain text.
   */
  text: string;
  /**
   * Which turn.
   */
  turn: number;
}
/**
 * `bye`: the connection is about to be closed.
 */
export interface Bye {
  /**
   * The close code.
   */
  code: number;
  /**
   * Its reason.
   */
  reason: string;
  /**
   * Whether connecting again can help.
   */
  reconnect: boolean;
}
/**
 * A session's summary in the live list.
 */
export interface Card {
  /**
   * How many of them the visitor said.
   */
  asked?: number;
  /**
   * How the bot is doing.
   */
  bot: BotState;
  /**
   * Browser and major version.
   */
  browser?: string;
  /**
   * Who is in control.
   */
  control: Control;
  /**
   * ISO 3166-1 alpha-2.
   */
  country?: string;
  /**
   * What kind of device.
   */
  device: Device;
  /**
   * BCP 47 tag.
   */
  language?: string;
  /**
   * The last of them.
   */
  last?: LastMessage;
  /**
   * How many messages were said, by anyone.
   */
  messages: number;
  /**
   * The last offset of the session's log that this card tells of.
   */
  offset: number;
  /**
   * Whether a connection of the visitor is open now (false within the grace time).
   */
  online: boolean;
  /**
   * Which of the visitor's sessions: 1, 2, 3 …; so, how often they have visited. 0 if unknown.
   */
  ordinal?: number;
  /**
   * Operating system.
   */
  os?: string;
  /**
   * The page that the visitor is on.
   */
  page?: Page;
  /**
   * The page that led to the site.
   */
  referrer?: string;
  /**
   * Which session.
   */
  session: string;
  /**
   * When the session started; its duration is now less this.
   */
  started: number;
  /**
   * Whose.
   */
  visitor: string;
  /**
   * Since when the visitor waits for a human; absent when they do not.
   */
  waiting?: number;
}
/**
 * Something said.
 */
export interface ChatMessage {
  /**
   * Follow-ups that the visitor may choose from.
   */
  choices?: Choice[];
  /**
   * The epoch of control that it was said under.
   */
  epoch: number;
  /**
   * The client's key. Shown to its author's side only.
   */
  key?: string;
  /**
   * Plain text, at most 16384 bytes; never markup.
   */
  text: string;
  /**
   * For a bot's answer: the turn that it answers.
   */
  turn?: number;
}
/**
 * A follow-up offered to the visitor.
 */
export interface Choice {
  /**
   * What choosing it does.
   */
  action?: ChoiceAction;
  /**
   * What the visitor reads, and what is sent as their message when they choose it.
   */
  label: string;
}
/**
 * Parameters of `close`.
 */
export interface CloseParams {
  /**
   * Which session; visitors leave it out and mean their own.
   */
  session?: string;
}
/**
 * Parameters of `connect`: `token` for operators and bots, `site` for visitors.
 */
export interface ConnectParams {
  /**
   * The client's own name and version, for the server's log: `acme-widget/2.1`.
   */
  agent?: string;
  /**
   * Visitors: what the page tells of them, as with `set_data`; left out, what was told stays.
   */
  data?: {
    [k: string]: string;
  };
  /**
   * Visitors over TCP: their User-Agent. Over WebSocket the request's header counts.
   */
  device?: string;
  /**
   * Optional behaviour that the client understands; the answer names what is in force.
   */
  features?: string[];
  /**
   * Visitors: their language, BCP 47.
   */
  language?: string;
  /**
   * Visitors: the page that they are on.
   */
  page?: Page;
  /**
   * The protocol version that the client speaks.
   */
  protocol: number;
  /**
   * Visitors: the page that led to the site.
   */
  referrer?: string;
  /**
   * Visitors: the private token of an earlier `connect`.
   */
  resume?: string;
  /**
   * Visitors: the site's public key.
   */
  site?: string;
  /**
   * Operators and bots: a signed token.
   */
  token?: string;
}
/**
 * Result of `connect`.
 */
export interface Connected {
  /**
   * The features in force: those of the request that the server knows.
   */
  features: string[];
  /**
   * In a cluster: which lineage the log is of. If it is another than before, what the client has of any session, offsets above all, means nothing any more.
   */
  generation?: number;
  /**
   * A client that has sent nothing for this long must send `ping`; one that is silent for twice as long is taken for dead. Milliseconds.
   */
  heartbeat: number;
  /**
   * Who the server takes the client for.
   */
  identity: Identity;
  /**
   * The protocol version in force.
   */
  protocol: number;
  /**
   * The server's name and version.
   */
  server: string;
  /**
   * The server's clock.
   */
  time: number;
}
/**
 * Who is in control, under which epoch, since when.
 */
export interface Control {
  /**
   * The current epoch.
   */
  epoch: number;
  /**
   * The holder.
   */
  holder: Holder;
  /**
   * Since when.
   */
  since: number;
}
/**
 * Control went from one holder to another.
 */
export interface ControlChange {
  /**
   * How it changed.
   */
  cause: ControlCause;
  /**
   * The new epoch.
   */
  epoch: number;
  /**
   * Who is in control from here on.
   */
  holder: Holder;
  /**
   * For the visitor, in their language: the short text to show.
   */
  notice?: string;
  /**
   * Who was before.
   */
  previous: Holder;
  /**
   * For operators: why, where a reason was given.
   */
  reason?: string;
}
/**
 * Result of everything that is appended to a session's log.
 */
export interface Done {
  /**
   * The epoch in force after it.
   */
  epoch: number;
  /**
   * Where it stands in the log.
   */
  offset: number;
}
/**
 * Parameters of `draft`.
 */
export interface DraftParams {
  /**
   * The epoch that the turn was asked under.
   */
  epoch: number;
  /**
   * Which session.
   */
  session: string;
  /**
   * The whole answer so far.
   */
  text: string;
  /**
   * Which turn.
   */
  turn: number;
}
/**
 * `draft`: the bot's answer so far.
 */
export interface DraftSignal {
  /**
   * Which session.
   */
  session: string;
  /**
   * The whole answer so far.
   */
  text: string;
  /**
   * The turn that it will answer.
   */
  turn: number;
}
/**
 * An empty map.
 */
export interface Empty {}
/**
 * One entry of a session's log.
 */
export interface Event {
  /**
   * Who did it, stamped by the server.
   */
  author: Author;
  /**
   * What happened.
   */
  body: EventBody;
  /**
   * Its position.
   */
  offset: number;
  /**
   * When the server accepted it.
   */
  time: number;
}
/**
 * `event`: an event as this role sees it.
 */
export interface EventPush {
  /**
   * Who did it.
   */
  author: Author;
  /**
   * What happened.
   */
  body: EventBody;
  /**
   * Its position.
   */
  offset: number;
  /**
   * No event that this role sees lies between `prev` and `offset`: if `prev` is greater than the last offset that the client has, something is missing.
   */
  prev: number;
  /**
   * Which session.
   */
  session: string;
  /**
   * When the server accepted it.
   */
  time: number;
}
/**
 * Parameters of `fail`.
 */
export interface FailParams {
  /**
   * The epoch that the turn was asked under.
   */
  epoch: number;
  /**
   * What went wrong, for operators.
   */
  reason?: string;
  /**
   * Which session.
   */
  session: string;
  /**
   * Which turn.
   */
  turn: number;
}
/**
 * `handed_back`: a human handed the session back.
 */
export interface HandedBack {
  /**
   * The epoch in force now.
   */
  epoch: number;
  /**
   * The human stretch, oldest first: from the change of control that began it to the one that ended it.
   */
  messages: Event[];
  /**
   * Which session.
   */
  session: string;
  /**
   * Whether the stretch was longer than what is kept at hand, and lacks its beginning.
   */
  truncated?: boolean;
}
/**
 * Parameters of `history`.
 */
export interface HistoryParams {
  /**
   * Events after this offset.
   */
  after?: number;
  /**
   * How many at most: 1 to 500; 0 means 100.
   */
  limit?: number;
  /**
   * Which session; visitors leave it out and mean their own.
   */
  session?: string;
}
/**
 * Result of `history`.
 */
export interface HistoryPage {
  /**
   * The events that this role sees, in order.
   */
  events: Event[];
  /**
   * What to pass as `after` for the next page; absent at the log's end.
   */
  next?: number;
}
/**
 * The last message of a session, cut short.
 */
export interface LastMessage {
  /**
   * Who said it.
   */
  from: Speaker;
  /**
   * Where it stands in the log.
   */
  offset: number;
  /**
   * Its first 120 characters.
   */
  text: string;
  /**
   * When.
   */
  time: number;
}
/**
 * `live`: what changed in the window since the revision before.
 */
export interface Live {
  /**
   * What rings, if the window asked for alerts: at most 16; more are dropped.
   */
  alerts?: Alert[];
  /**
   * If the window asked for alerts: sessions that an operator has taken control of, or that have left the live list. Whatever rang for them before stops; at most 500, more follow in the next delta.
   */
  quiet?: string[];
  /**
   * Sessions that are no longer in the window.
   */
  remove?: string[];
  /**
   * One more than the revision that it changes; otherwise `watch` again.
   */
  revision: number;
  /**
   * Counts over the whole site.
   */
  totals: Totals;
  /**
   * Cards that are new in the window or have changed.
   */
  upsert?: Card[];
}
/**
 * One operator's presence.
 */
export interface OperatorCard {
  /**
   * Whether a socket of theirs is alive.
   */
  connected: boolean;
  /**
   * The operator.
   */
  id: string;
  /**
   * What they say of themselves.
   */
  intent: Intent;
  /**
   * The display name.
   */
  name: string;
  /**
   * What they may do.
   */
  rank: Rank;
  /**
   * How many sessions they control.
   */
  sessions: number;
}
/**
 * Result of `operators`.
 */
export interface OperatorList {
  /**
   * The operators that are connected, by id.
   */
  operators: OperatorCard[];
}
/**
 * Parameters of `operators`.
 */
export interface OperatorsParams {}
/**
 * A page of the site.
 */
export interface Page {
  /**
   * Its title.
   */
  title?: string;
  /**
   * Its address, at most 2048 bytes.
   */
  url: string;
}
/**
 * Result of `past`.
 */
export interface Past {
  /**
   * What to pass as `before` for more; absent at the end.
   */
  next?: number;
  /**
   * The visitor's other sessions, latest first.
   */
  sessions: PastSession[];
}
/**
 * A summary of one of a visitor's sessions; `history` has its events.
 */
export interface PastSession {
  /**
   * When it was closed; absent while it is open.
   */
  closed?: number;
  /**
   * The last of them.
   */
  last?: LastMessage;
  /**
   * How many messages were said, by anyone.
   */
  messages: number;
  /**
   * Which of the visitor's sessions: 1, 2, 3 …
   */
  ordinal: number;
  /**
   * How the visitor rated it in the end.
   */
  rating?: Rating;
  /**
   * Which session.
   */
  session: string;
  /**
   * When it started.
   */
  started: number;
}
/**
 * Parameters of `ping`.
 */
export interface PingParams {}
/**
 * `error`: a notification of the client could not be followed.
 */
export interface Problem {
  /**
   * What is wrong with it.
   */
  error: RpcError;
  /**
   * The notification's method.
   */
  method: string;
}
/**
 * Parameters of `rate`.
 */
export interface RateParams {
  /**
   * What the visitor says of it; an empty one counts as none.
   */
  comment?: string;
  /**
   * 1 (bad) to 5 (good).
   */
  score: number;
}
/**
 * How a visitor was served, in their own words.
 */
export interface Rating {
  /**
   * What they say of it, at most 2048 bytes.
   */
  comment?: string;
  /**
   * 1 (bad) to 5 (good).
   */
  score: number;
}
/**
 * Parameters of `past`.
 */
export interface ReadPastParams {
  /**
   * Only sessions with a lower ordinal; left out, all others.
   */
  before?: number;
  /**
   * How many at most: 1 to 20; left out or 0, 3.
   */
  limit?: number;
  /**
   * A session of the visitor whose others are asked for.
   */
  session: string;
}
/**
 * Parameters of `refresh`.
 */
export interface RefreshParams {
  /**
   * A new token for the same site, role and id.
   */
  token: string;
}
/**
 * Result of `refresh`.
 */
export interface Refreshed {
  /**
   * When the new token expires.
   */
  expires: number;
}
/**
 * Parameters of `release`.
 */
export interface ReleaseParams {
  /**
   * Which session.
   */
  session: string;
}
/**
 * Parameters of `request_human`.
 */
export interface RequestHumanParams {}
/**
 * Parameters of `revoke`.
 */
export interface RevokeParams {
  /**
   * Why.
   */
  reason: string;
  /**
   * Which session.
   */
  session: string;
}
/**
 * A refused request: the same four fields in both encodings.
 */
export interface RpcError {
  /**
   * Which kind of refusal.
   */
  code: ErrorCode;
  /**
   * Details by code; the table in `SPEC.md` names them.
   */
  data?: unknown;
  /**
   * What happened and what to do, for a human.
   */
  message: string;
  /**
   * Whether the same request, unchanged, may succeed later.
   */
  retry?: boolean;
}
/**
 * Parameters of `send`.
 */
export interface SayParams {
  /**
   * Operators: say it although the visitor has said more since `seen`.
   */
  confirm?: boolean;
  /**
   * Names this message: sent again under the same key, it is not said again.
   */
  key: string;
  /**
   * Operators: the last offset that they had seen when they wrote this.
   */
  seen?: number;
  /**
   * Which session; visitors leave it out and mean their own.
   */
  session?: string;
  /**
   * Plain text, 1 to 16384 bytes.
   */
  text: string;
}
/**
 * Parameters of `serve`.
 */
export interface ServeParams {}
/**
 * Parameters of `set_data`.
 */
export interface SetDataParams {
  /**
   * All of it, in place of what was told before.
   */
  data: {
    [k: string]: string;
  };
}
/**
 * Parameters of `set_intent`.
 */
export interface SetIntentParams {
  /**
   * The new intent.
   */
  intent: Intent;
}
/**
 * `status`: how the client's node does in its cluster.
 */
export interface Status {
  /**
   * Whether the node does not hear the others or cannot store: what is shown may be behind, what is sent may be refused for now.
   */
  degraded?: boolean;
}
/**
 * Parameters of `subscribe`.
 */
export interface SubscribeParams {
  /**
   * The last offset that the client has; 0 for everything.
   */
  offset?: number;
  /**
   * Which session; visitors leave it out and mean their own.
   */
  session?: string;
}
/**
 * Result of `subscribe`. The events follow as `event` notifications.
 */
export interface Subscribed {
  /**
   * Operators: the session's card.
   */
  card?: Card;
  /**
   * Who is in control.
   */
  control: Control;
  /**
   * The last offset that this role sees: when it has come, the client has caught up.
   */
  offset: number;
  /**
   * Which session.
   */
  session: string;
}
/**
 * Parameters of `take_over`.
 */
export interface TakeOverParams {
  /**
   * Supervisors and admins: also from another operator.
   */
  force?: boolean;
  /**
   * Why; required with `force`.
   */
  reason?: string;
  /**
   * Which session.
   */
  session: string;
}
/**
 * How many sessions of the site are online, by kind.
 */
export interface Totals {
  /**
   * All of them.
   */
  all: number;
  /**
   * Those that the bot answers.
   */
  bot: number;
  /**
   * Those that match the window's filter and search, inside and beyond its first N.
   */
  matching: number;
  /**
   * Those that the watching operator controls.
   */
  mine: number;
  /**
   * Those that other operators control.
   */
  others: number;
  /**
   * Those whose visitor waits for a human.
   */
  waiting: number;
}
/**
 * Parameters of `transfer`.
 */
export interface TransferParams {
  /**
   * Why.
   */
  reason?: string;
  /**
   * Which session.
   */
  session: string;
  /**
   * To whom: an operator of the site who is connected and available.
   */
  to: string;
}
/**
 * `turn`: a visitor waits for an answer.
 */
export interface Turn {
  /**
   * The epoch to answer under.
   */
  epoch: number;
  /**
   * The visitor's language, BCP 47.
   */
  language?: string;
  /**
   * The latest messages and changes of control, oldest first, the visitor's last among them. A `control_changed` whose holder is the bot ends a human stretch.
   */
  messages: Event[];
  /**
   * Which session.
   */
  session: string;
  /**
   * How long the server waits for the answer. Milliseconds.
   */
  timeout: number;
  /**
   * The turn to answer: the offset of the visitor's last message.
   */
  turn: number;
}
/**
 * `turn_revoked`: stop working on a turn.
 */
export interface TurnRevoked {
  /**
   * The epoch in force now.
   */
  epoch: number;
  /**
   * Why.
   */
  reason: RevokeReason;
  /**
   * Which session.
   */
  session: string;
  /**
   * Which turn.
   */
  turn: number;
}
/**
 * Parameters of `typing`.
 */
export interface TypingParams {
  /**
   * Which session; visitors leave it out and mean their own.
   */
  session?: string;
  /**
   * Visitors: what they have typed so far, shown to operators; empty when they stopped.
   */
  text?: string;
}
/**
 * `typing`: somebody is typing.
 */
export interface TypingSignal {
  /**
   * Who.
   */
  author: Author;
  /**
   * Which session.
   */
  session: string;
  /**
   * For operators: what the visitor has typed so far; empty when they stopped.
   */
  text?: string;
}
/**
 * Parameters of `unsubscribe`.
 */
export interface UnsubscribeParams {
  /**
   * Which session.
   */
  session: string;
}
/**
 * Parameters of `unwatch`.
 */
export interface UnwatchParams {}
/**
 * Parameters of `page`.
 */
export interface ViewPageParams {
  /**
   * Its title.
   */
  title?: string;
  /**
   * Its address.
   */
  url: string;
}
/**
 * From where a visitor comes, and on what device.
 */
export interface VisitorContext {
  /**
   * Browser and major version: `Firefox 140`.
   */
  browser?: string;
  /**
   * ISO 3166-1 alpha-2, from the client's address; absent when unknown.
   */
  country?: string;
  /**
   * What kind of device.
   */
  device?: Device;
  /**
   * BCP 47 tag: `fr`, `en-GB`.
   */
  language?: string;
  /**
   * Operating system: `Android 15`.
   */
  os?: string;
  /**
   * The page that the visitor is on.
   */
  page?: Page;
  /**
   * The page that led to the site.
   */
  referrer?: string;
}
/**
 * Parameters of `watch`; the window stands in its place if the client watches already.
 */
export interface WatchParams {
  /**
   * Which part of the live list.
   */
  window?: Window;
}
/**
 * Result of `watch`: the snapshot that `live` notifications change.
 */
export interface Watching {
  /**
   * The window's cards, in its order.
   */
  cards: Card[];
  /**
   * The snapshot's revision.
   */
  revision: number;
  /**
   * Counts over the whole site.
   */
  totals: Totals;
}
/**
 * What part of the live list an operator watches.
 */
export interface Window {
  /**
   * Which alerts to send beside the window's cards, wherever in the site they are raised.
   */
  alerts?: Alerts;
  /**
   * How many cards at most: 1 to 500; 0 means 50.
   */
  first?: number;
  /**
   * Only cards in which every word of this occurs (country, page, language, browser, system, last message, ids), letter case aside; at most 256 bytes.
   */
  search?: string;
  /**
   * Which sessions, by who is in control.
   */
  show?: Show;
  /**
   * How many cards of the order stand before the window: 0 to 100000.
   */
  skip?: number;
  /**
   * In which order.
   */
  sort?: Sort;
}
/**
 * The bot did not answer a turn: visible, never a silent session.
 */
export interface BotFailedBody {
  /**
   * For operators: what the bot said of it.
   */
  detail?: string;
  /**
   * The epoch that it was asked under.
   */
  epoch: number;
  /**
   * Why.
   */
  reason: BotFailure;
  /**
   * The turn that stays unanswered.
   */
  turn: number;
  /**
   * Tells which of them it is.
   */
  type: "bot_failed";
}
/**
 * Control went from one holder to another, under a new epoch.
 */
export interface ControlChangedBody {
  /**
   * Tells which of them it is.
   */
  type: "control_changed";
  /**
   * How it changed.
   */
  cause: ControlCause;
  /**
   * The new epoch.
   */
  epoch: number;
  /**
   * Who is in control from here on.
   */
  holder: Holder;
  /**
   * For the visitor, in their language: the short text to show.
   */
  notice?: string;
  /**
   * Who was before.
   */
  previous: Holder;
  /**
   * For operators: why, where a reason was given.
   */
  reason?: string;
}
/**
 * The site's page tells something else of its visitor than before. It is what the page claims, and proven by nothing. Operators and bots.
 */
export interface DataChangedBody {
  /**
   * All of it, in place of what was told before.
   */
  data: {
    [k: string]: string;
  };
  /**
   * Tells which of them it is.
   */
  type: "data_changed";
}
/**
 * The visitor asked for a human.
 */
export interface HumanRequestedBody {
  /**
   * Tells which of them it is.
   */
  type: "human_requested";
}
/**
 * Something said, by the visitor, an operator or the bot.
 */
export interface MessageBody {
  /**
   * Tells which of them it is.
   */
  type: "message";
  /**
   * Follow-ups that the visitor may choose from.
   */
  choices?: Choice[];
  /**
   * The epoch of control that it was said under.
   */
  epoch: number;
  /**
   * The client's key. Shown to its author's side only.
   */
  key?: string;
  /**
   * Plain text, at most 16384 bytes; never markup.
   */
  text: string;
  /**
   * For a bot's answer: the turn that it answers.
   */
  turn?: number;
}
/**
 * A remark among operators. Operators only.
 */
export interface NoteBody {
  /**
   * The client's key.
   */
  key?: string;
  /**
   * What it says.
   */
  text: string;
  /**
   * Tells which of them it is.
   */
  type: "note";
}
/**
 * The visitor opened a page. Operators and bots.
 */
export interface PageViewedBody {
  /**
   * Which one.
   */
  page: Page;
  /**
   * Tells which of them it is.
   */
  type: "page_viewed";
}
/**
 * The end of a session: nothing is appended after it but the visitor's rating.
 */
export interface SessionClosedBody {
  /**
   * Why.
   */
  cause: CloseCause;
  /**
   * Tells which of them it is.
   */
  type: "session_closed";
}
/**
 * The visitor says how they were served; the latest rating counts. Visitors and operators.
 */
export interface SessionRatedBody {
  /**
   * Tells which of them it is.
   */
  type: "session_rated";
  /**
   * What they say of it, at most 2048 bytes.
   */
  comment?: string;
  /**
   * 1 (bad) to 5 (good).
   */
  score: number;
}
/**
 * The first event of every session. Operators and bots.
 */
export interface SessionStartedBody {
  /**
   * From where, on what, since when.
   */
  context: VisitorContext;
  /**
   * Which of the visitor's sessions: 1, 2, 3 …
   */
  ordinal: number;
  /**
   * Tells which of them it is.
   */
  type: "session_started";
  /**
   * Whose session it is.
   */
  visitor: string;
}
/**
 * The visitor's last connection has been gone for the grace time. Operators only.
 */
export interface VisitorLeftBody {
  /**
   * Tells which of them it is.
   */
  type: "visitor_left";
}
/**
 * The visitor came back after having left. Operators only.
 */
export interface VisitorReturnedBody {
  /**
   * As it is now.
   */
  context: VisitorContext;
  /**
   * Tells which of them it is.
   */
  type: "visitor_returned";
}

/** What a method takes and gives. */
export interface Method<Params, Result> {
  /** What it takes. */
  params: Params;
  /** What it gives. */
  result: Result;
}

/** Parameters and result of every method. */
export interface Methods {
  /** `answer`. */
  answer: Method<AnswerParams, Done>;
  /** `close`. */
  close: Method<CloseParams, Done>;
  /** `connect`. */
  connect: Method<ConnectParams, Connected>;
  /** `draft`. */
  draft: Method<DraftParams, Empty>;
  /** `fail`. */
  fail: Method<FailParams, Done>;
  /** `history`. */
  history: Method<HistoryParams, HistoryPage>;
  /** `note`. */
  note: Method<AddNoteParams, Done>;
  /** `operators`. */
  operators: Method<OperatorsParams, OperatorList>;
  /** `page`. */
  page: Method<ViewPageParams, Done>;
  /** `past`. */
  past: Method<ReadPastParams, Past>;
  /** `ping`. */
  ping: Method<PingParams, Empty>;
  /** `rate`. */
  rate: Method<RateParams, Done>;
  /** `refresh`. */
  refresh: Method<RefreshParams, Refreshed>;
  /** `release`. */
  release: Method<ReleaseParams, Done>;
  /** `request_human`. */
  request_human: Method<RequestHumanParams, Done>;
  /** `revoke`. */
  revoke: Method<RevokeParams, Done>;
  /** `send`. */
  send: Method<SayParams, Done>;
  /** `serve`. */
  serve: Method<ServeParams, Empty>;
  /** `set_data`. */
  set_data: Method<SetDataParams, Done>;
  /** `set_intent`. */
  set_intent: Method<SetIntentParams, Empty>;
  /** `subscribe`. */
  subscribe: Method<SubscribeParams, Subscribed>;
  /** `take_over`. */
  take_over: Method<TakeOverParams, Done>;
  /** `transfer`. */
  transfer: Method<TransferParams, Done>;
  /** `typing`. */
  typing: Method<TypingParams, Empty>;
  /** `unsubscribe`. */
  unsubscribe: Method<UnsubscribeParams, Empty>;
  /** `unwatch`. */
  unwatch: Method<UnwatchParams, Empty>;
  /** `watch`. */
  watch: Method<WatchParams, Watching>;
}

/** Parameters of every notification of the server. */
export interface Notifications {
  /** `bye`. */
  bye: Bye;
  /** `draft`. */
  draft: DraftSignal;
  /** `error`. */
  error: Problem;
  /** `event`. */
  event: EventPush;
  /** `handed_back`. */
  handed_back: HandedBack;
  /** `live`. */
  live: Live;
  /** `status`. */
  status: Status;
  /** `turn`. */
  turn: Turn;
  /** `turn_revoked`. */
  turn_revoked: TurnRevoked;
  /** `typing`. */
  typing: TypingSignal;
}

/** The names of the server's errors. */
export type ServerErrorName =
  | "parse_error"
  | "invalid_request"
  | "method_not_found"
  | "invalid_params"
  | "internal"
  | "not_connected"
  | "already_connected"
  | "unauthorized"
  | "token_expired"
  | "origin_refused"
  | "unknown_site"
  | "unsupported_version"
  | "forbidden"
  | "forged_field"
  | "unknown_session"
  | "session_closed"
  | "session_full"
  | "offset_ahead"
  | "held"
  | "not_in_control"
  | "stale_epoch"
  | "stale_turn"
  | "unseen"
  | "operator_unavailable"
  | "key_reused"
  | "busy"
  | "log_unavailable"
  | "draining";

/** The name of every error code of the server. */
export const ERROR_NAMES: ReadonlyMap<number, ServerErrorName> = /* @__PURE__ */ new Map([
  [-32700, "parse_error"],
  [-32600, "invalid_request"],
  [-32601, "method_not_found"],
  [-32602, "invalid_params"],
  [-32603, "internal"],
  [1000, "not_connected"],
  [1001, "already_connected"],
  [1002, "unauthorized"],
  [1003, "token_expired"],
  [1004, "origin_refused"],
  [1005, "unknown_site"],
  [1006, "unsupported_version"],
  [1010, "forbidden"],
  [1012, "forged_field"],
  [1020, "unknown_session"],
  [1021, "session_closed"],
  [1022, "session_full"],
  [1023, "offset_ahead"],
  [1030, "held"],
  [1031, "not_in_control"],
  [1032, "stale_epoch"],
  [1033, "stale_turn"],
  [1034, "unseen"],
  [1035, "operator_unavailable"],
  [1040, "key_reused"],
  [1050, "busy"],
  [1051, "log_unavailable"],
  [1052, "draining"],
]);

/** The reason of every close code of the server. */
export const CLOSE_REASONS: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [4000, "going_away"],
  [4001, "slow_consumer"],
  [4002, "heartbeat_timeout"],
  [4003, "connect_timeout"],
  [4004, "busy"],
  [4005, "internal"],
  [4009, "resync"],
  [4500, "protocol_error"],
  [4501, "message_too_large"],
  [4502, "refused"],
  [4503, "token_expired"],
]);
