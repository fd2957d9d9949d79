// The widget's colours: the site's accent, and what follows from it so that everything on and
// beside it can be read. Written through the CSSOM, which strict Content Security Policies allow.

import {
  CONTRAST_MIN,
  type Colour,
  contrast,
  cssColour,
  parseColour,
  readableOn,
  textOn,
} from "./text/colours.ts";

/** The accent of a site that sets none. */
export const ACCENT: Colour = [39, 84, 214];

const SURFACE = { light: [255, 255, 255], dark: [23, 25, 31] } as const;

/** Light or dark. */
export type Scheme = keyof typeof SURFACE;

/** What the page says of the widget's look, first to last: its CSS, its tag, the site's settings. */
export interface Wishes {
  readonly accents: readonly (string | undefined)[];
  readonly scheme: string | undefined;
}

/** Puts the colours on the widget's root. */
export function applyLook(root: HTMLElement, wishes: Wishes): void {
  const scheme = schemeOf(wishes.scheme);
  const own = getComputedStyle(root);
  const wished = [own.getPropertyValue("--vigie-accent"), ...wishes.accents];
  const accent = wished.map((wish) => colourOf(root, wish)).find(Boolean) ?? ACCENT;
  const text = colourOf(root, own.getPropertyValue("--vigie-accent-text"));
  const readable = text !== undefined && contrast(text, accent) >= CONTRAST_MIN;
  root.dataset.scheme = scheme;
  root.style.setProperty("--accent", cssColour(accent));
  root.style.setProperty("--accent-text", cssColour(readable ? text : textOn(accent)));
  root.style.setProperty("--accent-ink", cssColour(readableOn(accent, SURFACE[scheme])));
}

/** Calls back when the browser changes between light and dark. */
export function onSchemeChange(changed: () => void): void {
  matchMedia(DARK).addEventListener("change", changed);
}

const DARK = "(prefers-color-scheme: dark)";

function schemeOf(wish: string | undefined): Scheme {
  if (wish === "light" || wish === "dark") {
    return wish;
  }
  return matchMedia(DARK).matches ? "dark" : "light";
}

/** Any colour that CSS knows: what is not written in numbers is computed by the browser. */
function colourOf(root: HTMLElement, wish: string | undefined): Colour | undefined {
  if (!wish?.trim() || !CSS.supports("color", wish)) {
    return undefined;
  }
  const direct = parseColour(wish);
  if (direct !== undefined) {
    return direct;
  }
  root.style.color = wish;
  const computed = getComputedStyle(root).color;
  root.style.color = "";
  return parseColour(computed);
}
