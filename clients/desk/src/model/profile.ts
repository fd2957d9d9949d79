/** What is known of a visitor, from the events of their session and its card: pure. */

import type { Card, Event, Page, VisitorContext } from "@vigie/client";
import { PROFILE_PAGES_MAX } from "./bounds.ts";
import { hostOf, searchEngine } from "./engines.ts";
import type { PageVisit, Profile, Provenance } from "./types.ts";

export { safeUrl, searchEngine } from "./engines.ts";

/** What the events have told so far; `tell` adds the next one. */
export interface Facts {
  readonly started?: number;
  readonly visits?: number;
  readonly context?: VisitorContext;
  readonly referrer?: string;
  readonly pages: readonly PageVisit[];
  readonly data: Readonly<Record<string, string>>;
  readonly rating?: { readonly score: number; readonly comment?: string };
}

export const NO_FACTS: Facts = { pages: [], data: {} };

/** The profile of a whole log. */
export function profileOf(events: readonly Event[], card: Card | null): Profile {
  return profile(events.reduce(tell, NO_FACTS), card);
}

/** The facts after `event`; the same object if it tells nothing of the visitor. */
export function tell(facts: Facts, event: Event): Facts {
  const { body } = event;
  switch (body.type) {
    case "session_started":
      return {
        ...facts,
        started: event.time,
        visits: body.ordinal,
        context: body.context,
        ...(body.context.referrer === undefined ? {} : { referrer: body.context.referrer }),
        pages: moved(facts.pages, body.context.page, event.time),
      };
    case "visitor_returned":
      return {
        ...facts,
        context: { ...facts.context, ...body.context },
        pages: moved(facts.pages, body.context.page, event.time),
      };
    case "page_viewed":
      return { ...facts, pages: moved(facts.pages, body.page, event.time) };
    case "visitor_left":
    case "session_closed":
      return { ...facts, pages: ended(facts.pages, event.time) };
    case "data_changed":
      return { ...facts, data: body.data };
    case "session_rated":
      return {
        ...facts,
        rating: {
          score: body.score,
          ...(body.comment === undefined ? {} : { comment: body.comment }),
        },
      };
    default:
      return facts;
  }
}

/** The profile that facts and card make; where both know something, the newer one counts. */
export function profile(facts: Facts, card: Card | null): Profile {
  const { context } = facts;
  const current = card?.page ?? facts.pages.at(-1)?.page ?? context?.page;
  const country = card?.country ?? context?.country;
  const browser = card?.browser ?? context?.browser;
  const os = card?.os ?? context?.os;
  const language = card?.language ?? context?.language;
  return {
    provenance: provenance(facts.referrer ?? card?.referrer),
    navigation: {
      started: facts.started ?? card?.started ?? 0,
      pages: facts.pages,
      visits: facts.visits ?? card?.ordinal ?? 1,
      ...(current === undefined ? {} : { current }),
    },
    device: card?.device ?? context?.device ?? "unknown",
    data: facts.data,
    ...(country === undefined ? {} : { country }),
    ...(browser === undefined ? {} : { browser }),
    ...(os === undefined ? {} : { os }),
    ...(language === undefined ? {} : { language }),
    ...(facts.rating === undefined ? {} : { rating: facts.rating }),
  };
}

/** From where a visitor came, by the address that led to the site. */
export function provenance(referrer: string | undefined): Provenance {
  if (referrer === undefined || referrer.trim() === "") {
    return { kind: "direct" };
  }
  const engine = searchEngine(referrer);
  if (engine !== undefined) {
    return { kind: "search", referrer, engine };
  }
  return hostOf(referrer) === undefined && !referrer.startsWith("android-app:")
    ? { kind: "direct", referrer }
    : { kind: "link", referrer };
}

function moved(pages: readonly PageVisit[], page: Page | undefined, time: number) {
  const last = pages.at(-1);
  if (page === undefined || (last?.page.url === page.url && last.stay === undefined)) {
    return pages;
  }
  return [...ended(pages, time), { page, time }].slice(-PROFILE_PAGES_MAX);
}

function ended(pages: readonly PageVisit[], time: number): readonly PageVisit[] {
  const last = pages.at(-1);
  if (last === undefined || last.stay !== undefined) {
    return pages;
  }
  return [...pages.slice(0, -1), { ...last, stay: Math.max(0, time - last.time) }];
}
