/**
 * A card moved on by the events that followed it: pure.
 *
 * The engine sends cards of the window only. The card of an open conversation that is not in the
 * window is kept current by its events, and replaced as soon as the engine sends a newer one.
 */

import type { Card, Event, Speaker } from "@vigie/client";

/** As many characters as the engine puts into a card. */
const LAST_TEXT_CHARS = 120;

/** The card after `event`; the same card if it tells of that event already. */
export function advance(card: Card, event: Event): Card {
  if (event.offset <= card.offset) {
    return card;
  }
  const next: Card = { ...card, offset: event.offset };
  const { body } = event;
  switch (body.type) {
    case "message": {
      const from: Speaker =
        event.author.kind === "visitor" || event.author.kind === "operator"
          ? event.author.kind
          : "bot";
      next.messages += 1;
      next.asked = askedOf(card) + (from === "visitor" ? 1 : 0);
      next.last = { from, text: cut(body.text), time: event.time, offset: event.offset };
      break;
    }
    case "control_changed":
      next.control = { epoch: body.epoch, holder: body.holder, since: event.time };
      if (body.holder.kind === "operator") {
        delete next.waiting;
      }
      break;
    case "human_requested":
      next.waiting ??= event.time;
      break;
    case "page_viewed":
      next.page = body.page;
      break;
    case "visitor_left":
      next.online = false;
      break;
    case "visitor_returned":
      next.online = true;
      if (body.context.page !== undefined) {
        next.page = body.context.page;
      }
      break;
    case "session_closed":
      next.online = false;
      delete next.waiting;
      break;
    default:
      break;
  }
  return next;
}

/** How many messages the visitor has said. */
export function askedOf(card: Card): number {
  return card.asked ?? 0;
}

/** The newer of two cards of one session. */
export function newer(known: Card | null, come: Card): Card {
  return known !== null && known.offset > come.offset ? known : come;
}

function cut(text: string): string {
  return text.length <= LAST_TEXT_CHARS ? text : [...text].slice(0, LAST_TEXT_CHARS).join("");
}
