// Sites choose their accent; that texts on it and beside it stay readable (WCAG AA) is computed.

/** Red, green, blue: 0 to 255. */
export type Colour = readonly number[];

/** The least contrast of text to what is behind it, by WCAG 2 AA. */
export const CONTRAST_MIN = 4.5;

const WHITE: Colour = [255, 255, 255];
const INK: Colour = [17, 20, 27];
const BLACK: Colour = [0, 0, 0];

/** Reads the `rgb(…)` that browsers compute. */
export function parseColour(text: string): Colour | undefined {
  const channels = /^rgb/.test(text) ? text.match(/[\d.]+/g)?.slice(0, 3) : undefined;
  return channels?.map(Number);
}

/** How much two colours differ in lightness: 1 (not at all) to 21. */
export function contrast(a: Colour, b: Colour): number {
  const [one, other] = [luminance(a) + 0.05, luminance(b) + 0.05];
  return Math.max(one / other, other / one);
}

/** The colour of text on this background: white where that can be read, else ink or black. */
export function textOn(background: Colour): Colour {
  return [WHITE, INK].find((text) => contrast(text, background) >= CONTRAST_MIN) ?? BLACK;
}

/** The colour, made darker or lighter until it can be read as text on this background. */
export function readableOn(colour: Colour, background: Colour): Colour {
  const towards = contrast(WHITE, background) > contrast(BLACK, background) ? WHITE : BLACK;
  let mixed = colour;
  for (let part = 0; contrast(mixed, background) < CONTRAST_MIN; part += 0.05) {
    mixed = colour.map((from, at) => from + ((towards[at] ?? 0) - from) * Math.min(part, 1));
  }
  return mixed;
}

function luminance(colour: Colour): number {
  const [r = 0, g = 0, b = 0] = colour.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
