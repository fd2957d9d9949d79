import { afterEach, describe, expect, it } from "vitest";
import { chooseLanguage, locale, texts } from "../../src/texts.ts";
import { ago, countryName, day, duration, elapsed, languageName } from "../../src/ui/format.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

afterEach(() => chooseLanguage(["en"]));

describe("durations", () => {
  it("tick in seconds, minutes and hours", () => {
    expect([42_000, 12 * MINUTE + 5_900, HOUR + 4 * MINUTE + 5_000].map(elapsed)).toEqual([
      "0:42",
      "12:05",
      "1:04:05",
    ]);
  });

  it("are never negative when the server's clock is ahead", () => {
    expect(elapsed(-5_000)).toBe("0:00");
    expect(ago(2_000, 1_000)).toBe("1 second ago");
  });

  it("are said in the language of the texts", async () => {
    expect(duration(2 * HOUR + 5 * MINUTE)).toBe("2 hr 5 min");
    await chooseLanguage(["fr"]);
    expect(duration(2 * HOUR + 5 * MINUTE)).toBe("2\u202fh 5\u00a0min");
    expect(ago(0, 2 * MINUTE)).toBe("il y a 2 minutes");
    await chooseLanguage(["lv"]);
    expect(ago(0, 2 * MINUTE)).toBe("pirms 2 minūtēm");
  });
});

describe("names", () => {
  it("of countries and languages come from the platform", async () => {
    await chooseLanguage(["lv"]);
    expect(countryName("lv")).toBe("Latvija");
    expect(languageName("fr")).toBe("Franču");
  });

  it("are the code where it names nothing, and nothing where there is none", () => {
    expect(countryName("?!")).toBe("?!");
    expect(countryName(undefined)).toBeUndefined();
  });
});

describe("days", () => {
  it("are today, yesterday, then dates", () => {
    const noon = new Date(2026, 5, 17, 12).getTime();
    expect(day(noon - HOUR, noon)).toBe("Today");
    expect(day(noon - 13 * HOUR, noon)).toBe("Yesterday");
    expect(day(noon - 72 * HOUR, noon)).toBe("Sunday, June 14");
  });
});

describe("the language", () => {
  it("is the first that the browser wants and the desk has", async () => {
    await chooseLanguage(["de-AT", "lv-LV", "fr"]);
    expect(locale()).toBe("lv-LV");
    expect(texts().language).toBe("lv");
  });

  it("is English where the desk has none of them", async () => {
    await chooseLanguage(["de", "constructor"]);
    expect(texts().language).toBe("en");
  });

  it("puts a word into the form that its number asks for", async () => {
    await chooseLanguage(["lv"]);
    const { messages } = texts().list;
    expect([0, 1, 2, 11, 21].map(messages)).toEqual([
      "0 ziņu",
      "1 ziņa",
      "2 ziņas",
      "11 ziņu",
      "21 ziņa",
    ]);
  });
});
