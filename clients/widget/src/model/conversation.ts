// A session's log as the visitor reads it: what was said and told, and who answers now. A pure
// fold, the same after a reload as it was live.

import type { Author, Choice, CloseCause, Control, Event } from "@vigie/client/core";

/** Who says something to whom. */
export type Speaker = "visitor" | "bot" | "operator";

/** Something said. */
export interface Said {
  readonly kind: "said";
  readonly offset: number;
  readonly time: number;
  readonly from: Speaker;
  /** The bot's or operator's display name. */
  readonly name: string;
  readonly text: string;
  /** The visitor's own messages: the key that they were sent under. */
  readonly key?: string | undefined;
  readonly choices: readonly Choice[];
}

/** Something that happened, told in a line of its own. */
export interface Told {
  readonly kind: "told";
  readonly offset: number;
  readonly time: number;
  readonly what: "control" | "human_asked" | "bot_failed" | "closed";
  /** The engine's own words in the visitor's language. */
  readonly notice?: string | undefined;
  readonly cause?: CloseCause;
}

export type Entry = Said | Told;

/** What the visitor thought of it. */
export interface Rating {
  readonly score: number;
  readonly comment?: string | undefined;
}

/** The conversation so far. */
export interface Conversation {
  readonly entries: readonly Entry[];
  /** The last offset that is folded in. */
  readonly offset: number;
  readonly epoch: number;
  /** The operator in control, by the latest name that they carry; undefined while the bot is. */
  readonly operator: string | undefined;
  /** The visitor has asked for a human, and none has come yet. */
  readonly waiting: boolean;
  /** The bot owes an answer. */
  readonly botAnswers: boolean;
  /** The bot could not answer what the visitor said last. */
  readonly botFailed: boolean;
  /** Who said something last. */
  readonly speaker: Speaker | undefined;
  readonly closed: CloseCause | undefined;
  readonly rating: Rating | undefined;
}

/** Before the first event. */
export const EMPTY: Conversation = {
  entries: [],
  offset: 0,
  epoch: 0,
  operator: undefined,
  waiting: false,
  botAnswers: false,
  botFailed: false,
  speaker: undefined,
  closed: undefined,
  rating: undefined,
};

/** The conversation with these events behind it. */
export function fold(conversation: Conversation, events: readonly Event[]): Conversation {
  const entries = [...conversation.entries];
  let next: Conversation = conversation;
  for (const event of events) {
    next = { ...next, ...changes(next, event), offset: event.offset };
    const entry = entryOf(event);
    if (entry !== undefined) {
      entries.push(entry);
    }
  }
  return { ...next, entries };
}

/** The conversation under the control that the engine stated when it was followed. */
export function underControl(conversation: Conversation, control: Control): Conversation {
  if (control.epoch <= conversation.epoch) {
    return conversation;
  }
  const operator = control.holder.kind === "operator" ? control.holder.name : undefined;
  return { ...conversation, epoch: control.epoch, operator };
}

/** What the visitor's words in the conversation are known by. */
export function hasKey(conversation: Conversation, key: string): boolean {
  return conversation.entries.some((entry) => entry.kind === "said" && entry.key === key);
}

/** How many messages of others came after this offset. */
export function unreadAfter(conversation: Conversation, offset: number): number {
  return conversation.entries.filter(
    (entry) => entry.kind === "said" && entry.from !== "visitor" && entry.offset > offset,
  ).length;
}

/** The follow-ups on offer: those of the last message, while it is the last. */
export function openChoices(conversation: Conversation): readonly Choice[] {
  const last = conversation.entries.at(-1);
  const offers = last?.kind === "said" && conversation.closed === undefined;
  return offers && conversation.operator === undefined ? last.choices : [];
}

function changes(now: Conversation, { author, body }: Event): Partial<Conversation> {
  switch (body.type) {
    case "message":
      return { speaker: speakerOf(author), ...afterMessage(now, author, body.epoch) };
    case "human_requested":
      return { waiting: now.operator === undefined };
    case "control_changed": {
      const { holder, epoch } = body;
      if (holder.kind === "operator") {
        const operator = holder.name;
        return { epoch, operator, waiting: false, botAnswers: false, botFailed: false };
      }
      return { epoch, operator: undefined, botAnswers: now.speaker === "visitor" };
    }
    case "bot_failed":
      return { botAnswers: false, botFailed: true };
    case "session_closed":
      return { closed: body.cause, waiting: false, botAnswers: false, botFailed: false };
    case "session_rated":
      return { rating: { score: body.score, comment: body.comment } };
    default:
      return {};
  }
}

function entryOf({ offset, time, author, body }: Event): Entry | undefined {
  const told = { kind: "told", offset, time } as const;
  switch (body.type) {
    case "message": {
      const from = speakerOf(author);
      const name = "name" in author ? author.name : "";
      const { text, key, choices = [] } = body;
      return { kind: "said", offset, time, from, name, text, key, choices };
    }
    case "human_requested":
      return { ...told, what: "human_asked" };
    case "control_changed":
      return { ...told, what: "control", notice: body.notice };
    case "bot_failed":
      return { ...told, what: "bot_failed" };
    case "session_closed":
      return { ...told, what: "closed", cause: body.cause };
    default:
      return undefined;
  }
}

function afterMessage(now: Conversation, author: Author, epoch: number): Partial<Conversation> {
  switch (speakerOf(author)) {
    case "visitor":
      return { botAnswers: now.operator === undefined, botFailed: false };
    case "operator":
      // The latest name that their messages carry under this epoch is the one that they go by.
      return "name" in author && epoch >= now.epoch ? { operator: author.name, epoch } : {};
    default:
      return { botAnswers: false, botFailed: false };
  }
}

function speakerOf({ kind }: Author): Speaker {
  return kind === "visitor" || kind === "operator" ? kind : "bot";
}
