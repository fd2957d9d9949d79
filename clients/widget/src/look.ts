// The widget's colours: the site's accent, and what follows from it so that everything on and
// beside it can be read. Written through the CSSOM, which strict Content Security Policies allow.

import { type Colour, parseColour, readableOn, textOn } from "./text/colours.ts";

/** The accent of a site that sets none. */
const ACCENT = "#2754d6";

/** What texts in the accent's colour stand on. The same as in the styles. */
const SURFACE: Readonly<Record<string, Colour>> = { light: [255, 255, 255], dark: [23, 25, 31] };

const DARK = matchMedia("(prefers-color-scheme: dark)");

/** Puts the colours on the widget's root: the page's CSS goes before the other wishes. */
export function applyLook(
  root: HTMLElement,
  accents: readonly (string | undefined)[],
  scheme = "",
): void {
  const { style, dataset } = root;
  const surface = SURFACE[scheme] ? scheme : DARK.matches ? "dark" : "light";
  const set = (name: string, colour: Colour) => style.setProperty(name, `rgb(${colour})`);
  const computed = (accent: string | undefined) => {
    // Any colour that CSS knows; what it does not know leaves none behind.
    style.color = "";
    style.color = accent ?? "";
    return style.color ? parseColour(getComputedStyle(root).color) : undefined;
  };
  const own = getComputedStyle(root).getPropertyValue("--vigie-accent").trim();
  const accent = [own, ...accents, ACCENT].map(computed).find(Boolean) ?? [];
  style.color = "";
  dataset.scheme = surface;
  set("--accent", accent);
  set("--accent-text", textOn(accent));
  set("--ink", readableOn(accent, SURFACE[surface] ?? []));
}

/** Calls back when the browser changes between light and dark. */
export function onSchemeChange(changed: () => void): void {
  DARK.addEventListener("change", changed);
}
