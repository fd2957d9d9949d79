// What the page's script tag says: which site, and how it wants the widget.

import { byteLength, cutToBytes } from "./text/bytes.ts";

/** The most entries of data about the visitor. */
export const DATA_ENTRIES_MAX = 16;
const DATA_KEY_BYTES_MAX = 64;
const DATA_VALUE_BYTES_MAX = 256;

/** The attributes of the script tag. */
export interface Tag {
  /** Where the script came from: the engine's address. */
  readonly source: string;
  readonly site: string;
  readonly connect: "load" | "open";
  readonly language: string | undefined;
  readonly position: string | undefined;
  readonly accent: string | undefined;
  readonly scheme: string | undefined;
  /** From `data-visitor-…`. */
  readonly data: Record<string, string>;
}

/** Reads the tag; undefined if it does not name a site. */
export function readTag(script: HTMLScriptElement): Tag | undefined {
  const { site, connect, language, position, accent, scheme } = script.dataset;
  if (!site) {
    return undefined;
  }
  return {
    source: script.src,
    site,
    connect: connect === "open" ? "open" : "load",
    language,
    position,
    accent,
    scheme,
    data: visitorData(
      [...script.attributes]
        .filter(({ name }) => name.startsWith(PREFIX))
        .map(({ name, value }) => [name.slice(PREFIX.length), value]),
    ),
  };
}

const PREFIX = "data-visitor-";

/** What of it the engine takes; texts that are too long are cut. */
export function visitorData(
  entries: readonly (readonly [string, unknown])[],
): Record<string, string> {
  const fitting = entries.filter(
    ([key, value]) => key !== "" && byteLength(key) <= DATA_KEY_BYTES_MAX && value != null,
  );
  if (fitting.length > DATA_ENTRIES_MAX) {
    console.warn(`Vigie: of the visitor's data only ${DATA_ENTRIES_MAX} entries are kept`);
  }
  return Object.fromEntries(
    fitting
      .slice(0, DATA_ENTRIES_MAX)
      .map(([key, value]) => [key, cutToBytes(String(value), DATA_VALUE_BYTES_MAX)]),
  );
}
