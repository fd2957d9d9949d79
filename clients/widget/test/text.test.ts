import { byteLength, cut } from "@vigie/client/core";
import { describe, expect, it } from "vitest";
import {
  CONTRAST_MIN,
  type Colour,
  contrast,
  parseColour,
  readableOn,
  textOn,
} from "../src/text/colours.ts";
import { clockTime, dayName } from "../src/text/times.ts";
import { chooseTexts } from "../src/texts/choose.ts";
import { en } from "../src/texts/en.ts";
import { fr } from "../src/texts/fr.ts";
import { lv } from "../src/texts/lv.ts";

describe("bytes of a text", () => {
  it("are cut between characters, never within one", () => {
    expect(byteLength("é€😀")).toBe(9);
    expect([1, 2, 4, 5, 8, 9].map((max) => cut("é€😀", max))).toEqual([
      "",
      "é",
      "é",
      "é€",
      "é€",
      "é€😀",
    ]);
  });
});

describe("accent colours", () => {
  const backgrounds: Colour[] = [];
  for (let value = 0; value < 4096; value += 7) {
    backgrounds.push([(value >> 8) * 17, ((value >> 4) & 15) * 17, (value & 15) * 17]);
  }

  it("always carry text that can be read", () => {
    for (const background of backgrounds) {
      expect(contrast(textOn(background), background)).toBeGreaterThanOrEqual(CONTRAST_MIN);
    }
  });

  it("can always be read as text on the light and the dark surface", () => {
    for (const surface of [
      [255, 255, 255],
      [23, 25, 31],
    ] as const) {
      for (const colour of backgrounds) {
        const readable = readableOn(colour, surface);
        expect(contrast(readable, surface)).toBeGreaterThanOrEqual(CONTRAST_MIN);
      }
    }
  });

  it("are left alone where they can be read as they are", () => {
    expect(readableOn([39, 84, 214], [255, 255, 255])).toEqual([39, 84, 214]);
  });

  it("are read as browsers compute them", () => {
    expect(parseColour("rgb(255, 170, 0)")).toEqual([255, 170, 0]);
    expect(parseColour("rgba(255, 170, 0, 0.5)")).toEqual([255, 170, 0]);
    expect(parseColour("color(srgb 1 0 0)")).toBeUndefined();
  });

  it("have the contrast that WCAG computes", () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21);
    expect(contrast([119, 119, 119], [255, 255, 255])).toBeCloseTo(4.48, 2);
  });
});

describe("dates", () => {
  const now = new Date(2026, 2, 3, 0, 30).getTime();

  it("are named by their distance in days, also just after midnight", () => {
    expect(dayName(now - 1_000, now, "en")).toBe("today");
    expect(dayName(now - 3_600_000, now, "en")).toBe("yesterday");
    expect(dayName(now - 3_600_000, now, "lv")).toBe("vakar");
    expect(dayName(now + 86_400_000, now, "en")).toBe("today");
    expect(dayName(new Date(2025, 1, 20).getTime(), now, "fr")).toBe("jeudi 20 février 2025");
  });

  it("are written as the language writes them", () => {
    const time = new Date(2026, 2, 3, 14, 5).getTime();
    expect(clockTime(time, "fr")).toBe("14:05");
    expect(clockTime(time, "en-US")).toMatch(/2:05\sPM/);
  });
});

describe("languages", () => {
  it("are the first that there are texts in", () => {
    expect(chooseTexts(["de", "fr-CA", "en"])).toBe(fr);
    expect(chooseTexts([undefined, "LV_lv"])).toBe(lv);
    expect(chooseTexts(["ja", ""]).send).toBe(en.send);
  });

  it("are written as in the region that the browser names", () => {
    expect(navigator.languages).toContain("en-US");
    expect(chooseTexts(["en"])).toEqual({ ...en, tag: "en-US" });
  });

  it("say everything, each in its own words", () => {
    for (const texts of [fr, lv]) {
      for (const [key, text] of Object.entries(texts)) {
        const english = en[key as keyof typeof en];
        const words = (of: unknown) => (typeof of === "function" ? of(2) : of);
        expect(words(text), key).toBeTruthy();
        if (!["message", "options"].includes(key)) {
          expect(words(text), key).not.toBe(words(english));
        }
      }
    }
  });

  it("count as their grammar does", () => {
    expect([1, 2, 11, 21].map((count) => lv.stars(count).split(" ")[1])).toEqual([
      "zvaigzne",
      "zvaigznes",
      "zvaigznes",
      "zvaigzne",
    ]);
    expect([0, 1, 2].map(fr.unread)).toEqual(["0 non lu", "1 non lu", "2 non lus"]);
    expect([1, 5].map(en.stars)).toEqual(["1 star", "5 stars"]);
  });
});
