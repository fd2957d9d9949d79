// Events and cards as the engine makes them.

import type { Card, Event, EventBody } from "@vigie/client";

/** An event of a log. */
export function event(
  offset: number,
  body: EventBody,
  author: Event["author"] = { kind: "visitor" },
  time = 1_000 * offset,
): Event {
  return { offset, time, author, body };
}

/** A card of the live list. */
export function card(session: string, more: Partial<Card> = {}): Card {
  return {
    session,
    visitor: `v-${session}`,
    ordinal: 1,
    started: 1_000,
    device: "desktop",
    messages: 0,
    asked: 0,
    control: { epoch: 1, holder: { kind: "bot" }, since: 1_000 },
    bot: "idle",
    online: true,
    offset: 1,
    ...more,
  };
}
