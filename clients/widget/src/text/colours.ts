// Sites choose their accent; that texts on it and beside it stay readable (WCAG AA) is computed.

/** Red, green, blue: 0 to 255. */
export type Colour = readonly [number, number, number];

/** The least contrast of text to what is behind it, by WCAG 2 AA. */
export const CONTRAST_MIN = 4.5;

const WHITE: Colour = [255, 255, 255];
const INK: Colour = [17, 20, 27];

/** Reads `#rgb`, `#rrggbb` and the `rgb(…)` that browsers compute. */
export function parseColour(text: string): Colour | undefined {
  const hex = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(text.trim())?.[1];
  if (hex !== undefined) {
    const pairs = hex.length === 3 ? hex.replace(/./g, "$&$&") : hex;
    const value = Number.parseInt(pairs, 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  }
  const [r, g, b] = /^rgba?\(/i.test(text.trim()) ? (text.match(/[\d.]+/g) ?? []).map(Number) : [];
  return r === undefined || g === undefined || b === undefined ? undefined : [r, g, b];
}

/** The colour as CSS has it. */
export function cssColour(colour: Colour): string {
  return `rgb(${colour.map(Math.round).join(" ")})`;
}

/** How much two colours differ in lightness: 1 (not at all) to 21. */
export function contrast(a: Colour, b: Colour): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

/** The colour of text on this background: white where that can be read, else ink or black. */
export function textOn(background: Colour): Colour {
  const readable = [WHITE, INK].find((text) => contrast(text, background) >= CONTRAST_MIN);
  return readable ?? [0, 0, 0];
}

/** The colour, made darker or lighter until it can be read as text on this background. */
export function readableOn(colour: Colour, background: Colour): Colour {
  const towards: Colour = luminance(background) > 0.18 ? [0, 0, 0] : WHITE;
  for (let part = 0; part < 1; part += 0.05) {
    const mixed = mix(colour, towards, part);
    if (contrast(mixed, background) >= CONTRAST_MIN) {
      return mixed;
    }
  }
  return towards;
}

function mix(from: Colour, to: Colour, part: number): Colour {
  const at = (i: 0 | 1 | 2) => from[i] + (to[i] - from[i]) * part;
  return [at(0), at(1), at(2)];
}

function luminance(colour: Colour): number {
  const [r, g, b] = colour.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
