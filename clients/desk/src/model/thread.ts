/** Events as entries of a thread: pure. */

import type { Event } from "@vigie/client";
import type { Parts, ThreadItem, ThreadPart } from "./types.ts";

/**
 * The entry that an event makes; `null` for a type that this desk does not know.
 *
 * @param me - this operator's id: what they said is marked as theirs.
 */
export function threadItem(event: Event, me: string | null): ThreadItem | null {
  const { offset, time, author, body } = event;
  const action = { part: "action" as const, offset, time, author };
  switch (body.type) {
    case "message":
      return {
        kind: "message",
        part: speaker(event),
        offset,
        time,
        author,
        text: body.text,
        choices: body.choices ?? [],
        mine: isMe(event, me),
        ...(body.key === undefined ? {} : { key: body.key }),
      };
    case "note":
      return {
        kind: "note",
        part: "note",
        offset,
        time,
        author,
        text: body.text,
        mine: isMe(event, me),
        ...(body.key === undefined ? {} : { key: body.key }),
      };
    case "control_changed":
      return {
        kind: "control",
        ...action,
        holder: body.holder,
        previous: body.previous,
        cause: body.cause,
        ...(body.reason === undefined ? {} : { reason: body.reason }),
      };
    case "page_viewed":
      return { kind: "page", ...action, page: body.page };
    case "human_requested":
      return { kind: "human", ...action };
    case "bot_failed":
      return {
        kind: "bot-failed",
        ...action,
        reason: body.reason,
        ...(body.detail === undefined ? {} : { detail: body.detail }),
      };
    case "session_rated":
      return {
        kind: "rated",
        ...action,
        score: body.score,
        ...(body.comment === undefined ? {} : { comment: body.comment }),
      };
    case "data_changed":
      return { kind: "data", ...action, data: body.data };
    case "session_started":
      return { kind: "started", ...action, ordinal: body.ordinal, context: body.context };
    case "visitor_returned":
      return { kind: "returned", ...action, context: body.context };
    case "visitor_left":
      return { kind: "left", ...action };
    case "session_closed":
      return { kind: "closed", ...action, cause: body.cause };
    default:
      return null;
  }
}

/** The entries that the thread filter lets through; the same array if that is all of them. */
export function filterThread(items: readonly ThreadItem[], parts: Parts): readonly ThreadItem[] {
  if (parts.visitor && parts.operator && parts.actions) {
    return items;
  }
  return items.filter((item) => parts[filterOf(item.part)]);
}

function filterOf(part: ThreadPart): keyof Parts {
  switch (part) {
    case "visitor":
      return "visitor";
    case "operator":
    case "bot":
    case "note":
      return "operator";
    case "action":
      return "actions";
  }
}

function speaker(event: Event): "visitor" | "operator" | "bot" {
  switch (event.author.kind) {
    case "visitor":
      return "visitor";
    case "operator":
      return "operator";
    default:
      return "bot";
  }
}

function isMe(event: Event, me: string | null): boolean {
  return event.author.kind === "operator" && me !== null && event.author.id === me;
}
