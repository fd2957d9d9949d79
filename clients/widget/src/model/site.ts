// What the site has set for its widget. The last known settings are shown at once on the next page;
// without any, the widget waits a moment rather than change its colour before the visitor's eyes.

import type { ByLanguage } from "../texts/choose.ts";
import type { Shelf } from "./shelf.ts";

/** How long the widget waits for the site's settings before it shows itself without. Milliseconds. */
export const SETTINGS_WAIT = 1500;

const NAME = "site";

/** A site's public settings, as the engine tells them. */
export interface SiteFace {
  readonly name?: string;
  readonly language?: string;
  readonly bot_name?: string;
  readonly widget?: {
    readonly accent?: string;
    readonly position?: string;
    readonly scheme?: string;
    readonly greeting?: ByLanguage<string>;
    readonly title?: ByLanguage<string>;
  };
}

/** The settings as they were last seen in this browser. */
export function keptSite(shelf: Shelf): SiteFace | undefined {
  const kept = shelf.get(NAME);
  return kept === undefined ? kept : JSON.parse(kept);
}

/** Asks the engine; undefined if it cannot be asked or does not know the site. */
export async function fetchSite(url: URL, shelf: Shelf): Promise<SiteFace | undefined> {
  try {
    const response = await fetch(url, { credentials: "omit" });
    const answer: SiteFace | undefined = response.ok ? await response.json() : undefined;
    if (answer !== undefined) {
      shelf.set(NAME, JSON.stringify(answer));
    }
    return answer;
  } catch {
    return undefined;
  }
}
