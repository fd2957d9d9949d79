// What the site has set for its widget. The last known settings are shown at once on the next page;
// without any, the widget waits a moment rather than change its colour before the visitor's eyes.

import type { Shelf } from "./shelf.ts";

/** How long the widget waits for the site's settings before it shows itself without. Milliseconds. */
export const SETTINGS_WAIT = 1500;

const NAME = "site";

/** A site's public settings. */
export interface SiteFace {
  readonly name: string;
  readonly botName: string;
  readonly language?: string | undefined;
  readonly accent?: string | undefined;
  readonly position?: string | undefined;
  readonly scheme?: string | undefined;
  /** By language. */
  readonly greeting: Readonly<Record<string, string>>;
  /** By language. */
  readonly title: Readonly<Record<string, string>>;
}

/** What is shown until more is known. */
export const UNKNOWN_SITE: SiteFace = { name: "", botName: "", greeting: {}, title: {} };

/** The settings as they were last seen in this browser. */
export function keptSite(shelf: Shelf): SiteFace | undefined {
  try {
    const kept = shelf.get(NAME);
    return kept === undefined ? undefined : readSite(JSON.parse(kept));
  } catch {
    return undefined;
  }
}

/** Asks the engine; undefined if it cannot be asked or does not know the site. */
export async function fetchSite(url: URL, shelf: Shelf): Promise<SiteFace | undefined> {
  try {
    const response = await fetch(url, { credentials: "omit" });
    if (!response.ok) {
      return undefined;
    }
    const answer: unknown = await response.json();
    shelf.set(NAME, JSON.stringify(answer));
    return readSite(answer);
  } catch {
    return undefined;
  }
}

/** Takes what is of use from an engine's answer, whatever its version. */
export function readSite(answer: unknown): SiteFace {
  const site = record(answer);
  const widget = record(site.widget);
  return {
    name: text(site.name) ?? "",
    botName: text(site.bot_name) ?? "",
    language: text(site.language),
    accent: text(widget.accent),
    position: text(widget.position),
    scheme: text(widget.scheme),
    greeting: textMap(widget.greeting),
    title: textMap(widget.title),
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function textMap(value: unknown): Record<string, string> {
  const entries = Object.entries(record(value));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => text(entry[1]) !== undefined),
  );
}
