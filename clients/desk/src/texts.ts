/** The desk's texts in the language of the browser. Only the chosen language is loaded. */

import { en, type Texts } from "./texts/en.ts";

export type { Texts };

const LANGUAGES: Readonly<Record<string, () => Promise<Texts>>> = {
  en: async () => en,
  fr: async () => (await import("./texts/fr.ts")).fr,
  lv: async () => (await import("./texts/lv.ts")).lv,
};

let current: Texts = en;
let currentLocale = "en";

/** The texts of the chosen language. */
export function texts(): Texts {
  return current;
}

/** The chosen language as the browser wants it, with its region: how dates and numbers are written. */
export function locale(): string {
  return currentLocale;
}

/** Loads the first of the wanted languages that there is; English if there is none. */
export async function chooseLanguage(wanted: readonly string[]): Promise<Texts> {
  const known = wanted.find((tag) => Object.hasOwn(LANGUAGES, primary(tag))) ?? "en";
  current = (await LANGUAGES[primary(known)]?.()) ?? en;
  currentLocale = known;
  return current;
}

function primary(tag: string): string {
  return tag.toLowerCase().split("-")[0] ?? "";
}
