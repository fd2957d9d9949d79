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

/** Puts the colours on the widget's root: the page's CSS goes before the other wishes. */
export function applyLook(
  root: HTMLElement,
  accents: readonly (string | undefined)[],
  wished: string | undefined,
): void {
  const scheme = schemeOf(wished);
  const own = (name: string) => getComputedStyle(root).getPropertyValue(name);
  const colours = [own("--vigie-accent"), ...accents].map((accent) => colourOf(root, accent));
  const accent = colours.find(Boolean) ?? ACCENT;
  const text = colourOf(root, own("--vigie-accent-text")) ?? accent;
  const readable = contrast(text, accent) >= CONTRAST_MIN;
  const set = (name: string, colour: Colour) => root.style.setProperty(name, cssColour(colour));
  root.dataset.scheme = scheme;
  set("--accent", accent);
  set("--accent-text", readable ? text : textOn(accent));
  set("--accent-ink", readableOn(accent, SURFACE[scheme]));
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
