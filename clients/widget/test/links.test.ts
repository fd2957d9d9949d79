import { describe, expect, it } from "vitest";
import { pieces } from "../src/text/links.ts";

const links = (text: string) => pieces(text).flatMap(({ href }) => href ?? []);

describe("links in messages", () => {
  it("are found in the middle of a sentence, without its punctuation", () => {
    expect(pieces("See https://shop.example/a?b=1. Then (https://x.example/y), ok!")).toEqual([
      { text: "See " },
      { text: "https://shop.example/a?b=1", href: "https://shop.example/a?b=1" },
      { text: ". Then (" },
      { text: "https://x.example/y", href: "https://x.example/y" },
      { text: "), ok!" },
    ]);
    expect(links("https://x.example/y_(z).")).toEqual(["https://x.example/y_(z)"]);
  });

  it("open letters, with or without mailto:", () => {
    expect(links("mailto:a@b.example or c.d+e@f.example.")).toEqual([
      "mailto:a@b.example",
      "mailto:c.d+e@f.example",
    ]);
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt://%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://x.example",
    "https://",
    "http:// x",
    "mailto:",
    "@someone",
    "a@b",
    "//x.example",
  ])("are of kinds that are harmless only: %s stays text", (text) => {
    expect(pieces(text)).toEqual([{ text }]);
  });

  it("lose nothing of the text", () => {
    const text = "a\nhttps://x.example/<b>\u2028  mailto:x@y.example;https://z.example/…";
    expect(
      pieces(text)
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text);
  });

  it.each(["a", "a.", "https://", "a@a-", "mailto:", "(", "https://a)"])(
    "are found in a moment in 16 KiB of %j",
    (part) => {
      const text = part.repeat(Math.ceil(16_384 / part.length));
      const look = () => {
        const start = performance.now();
        expect(
          pieces(text)
            .map((piece) => piece.text)
            .join(""),
        ).toBe(text);
        return performance.now() - start;
      };
      // A busy machine makes one look slow, a slow search all of them.
      expect(Math.min(look(), look(), look())).toBeLessThan(500);
    },
  );
});
