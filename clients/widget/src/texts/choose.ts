import { en } from "./en.ts";
import { fr } from "./fr.ts";
import { lv } from "./lv.ts";
import type { Texts } from "./texts.ts";

const languages: Readonly<Record<string, Texts>> = { en, fr, lv };

/** The texts in the first of these languages that there are texts in; English if there is none. */
export function chooseTexts(tags: readonly (string | undefined)[]): Texts {
  return firstKnown(languages, tags) ?? en;
}

/** The entry of the first language that has one: `fr` serves `fr-CA`. */
export function firstKnown<T>(
  byLanguage: Readonly<Record<string, T>>,
  tags: readonly (string | undefined)[],
): T | undefined {
  for (const tag of tags) {
    const lower = tag?.toLowerCase() ?? "";
    const found = own(byLanguage, lower) ?? own(byLanguage, lower.split(/[-_]/)[0] ?? "");
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function own<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}
