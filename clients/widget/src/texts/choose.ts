import { en } from "./en.ts";
import { fr } from "./fr.ts";
import { lv } from "./lv.ts";
import type { Texts } from "./texts.ts";

/** By language: `fr`, `en`. */
export type ByLanguage<T> = Readonly<Partial<Record<string, T>>>;

/** The texts in the first of these languages that there are texts in; English if there is none. */
export function chooseTexts(tags: readonly (string | undefined)[]): Texts {
  const texts = firstKnown({ en, fr, lv }, tags) ?? en;
  // The browser's region decides how times are written: 18:40 to en-GB, 6:40 PM to en-US.
  const tag = navigator.languages.find((regional) => regional.startsWith(`${texts.tag}-`));
  return tag ? { ...texts, tag } : texts;
}

/** The entry of the first language that has one: `fr` serves `fr-CA`. */
export function firstKnown<T>(
  byLanguage: ByLanguage<T> | undefined,
  tags: readonly (string | undefined)[],
): T | undefined {
  const languages = tags.map((tag) => tag?.split(/[-_]/)[0]?.toLowerCase() ?? "");
  const known = languages.find((language) => byLanguage?.[language]);
  return byLanguage?.[known ?? ""];
}
