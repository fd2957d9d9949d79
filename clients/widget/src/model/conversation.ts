// A session's log as the visitor reads it: what was said and told, and who answers now. A pure
// fold, the same after a reload as it was live.

import type { Author, Choice, Event } from "@vigie/client/core";

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
  readonly what: "control_changed" | "human_requested" | "bot_failed" | "session_closed";
  /** The engine's own words in the visitor's language. */
  readonly notice?: string | undefined;
}

export type Entry = Said | Told;

/** The conversation so far. */
export interface Conversation {
  readonly entries: readonly Entry[];
  /** The last offset that is folded in. */
  readonly offset: number;
  /** The operator in control, by the latest name that they carry; undefined while the bot is. */
  readonly operator?: string | undefined;
  /** The visitor has asked for a human, and none has come yet. */
  readonly waiting?: boolean;
  /** The bot owes an answer. */
  readonly botAnswers?: boolean;
  /** The bot could not answer what the visitor said last. */
  readonly botFailed?: boolean;
  /** Who said something last. */
  readonly speaker?: Speaker;
  readonly closed?: boolean;
  readonly rated?: boolean;
}

/** Before the first event. */
export const EMPTY: Conversation = { entries: [], offset: 0 };

/** The conversation with these events behind it. */
export function fold(conversation: Conversation, events: readonly Event[]): Conversation {
  const entries = [...conversation.entries];
  let next = conversation;
  for (const event of events) {
    next = { ...next, ...change(next, event), offset: event.offset };
    const entry = entryOf(event);
    if (entry !== undefined) {
      entries.push(entry);
    }
  }
  return { ...next, entries };
}

/** How many messages of others came after this offset. */
export function unreadAfter({ entries }: Conversation, offset: number): number {
  return entries.filter(
    (entry) => entry.kind === "said" && entry.from !== "visitor" && entry.offset > offset,
  ).length;
}

/** The follow-ups on offer: those of the last message, while it is the last. */
export function openChoices({ entries, operator }: Conversation): readonly Choice[] {
  const last = entries.at(-1);
  return last?.kind === "said" && operator === undefined ? last.choices : [];
}

function change(now: Conversation, { author, body }: Event): Partial<Conversation> {
  switch (body.type) {
    case "message": {
      const speaker = speakerOf(author);
      const botAnswers = speaker === "visitor" && now.operator === undefined;
      // The latest name that an operator's messages carry is the one that they go by.
      const operator = now.operator && author.kind === "operator" ? author.name : now.operator;
      return { speaker, botAnswers, operator, botFailed: false };
    }
    case "human_requested":
      return { waiting: now.operator === undefined };
    case "control_changed":
      return body.holder.kind === "operator"
        ? { operator: body.holder.name, waiting: false, botAnswers: false, botFailed: false }
        : { operator: undefined, botAnswers: now.speaker === "visitor" };
    case "bot_failed":
      return { botAnswers: false, botFailed: true };
    case "session_closed":
      return { closed: true, waiting: false, botAnswers: false, operator: undefined };
    case "session_rated":
      return { rated: true };
    default:
      return {};
  }
}

function entryOf({ offset, time, author, body }: Event): Entry | undefined {
  const { type } = body;
  switch (type) {
    case "message": {
      const name = "name" in author ? author.name : "";
      const { text, key, choices = [] } = body;
      return { kind: "said", offset, time, from: speakerOf(author), name, text, key, choices };
    }
    case "control_changed":
    case "human_requested":
    case "bot_failed":
    case "session_closed":
      return { ...body, kind: "told", offset, time, what: type } as Told;
    default:
      return undefined;
  }
}

function speakerOf({ kind }: Author): Speaker {
  return kind === "visitor" || kind === "operator" ? kind : "bot";
}
