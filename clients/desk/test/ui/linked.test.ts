import { describe, expect, it } from "vitest";
import { pieces } from "../../src/ui/parts/linked.tsx";

const links = (text: string) => pieces(text).flatMap((piece) => piece.url ?? []);

describe("addresses in a text", () => {
  it("become links without what closes the sentence", () => {
    expect(links("See https://shop.example/a?b=1#c, or http://x.example.")).toEqual([
      "https://shop.example/a?b=1#c",
      "http://x.example",
    ]);
  });

  it("keep their own brackets and leave those around them", () => {
    expect(links("(https://x.example/a_(b))")).toEqual(["https://x.example/a_(b)"]);
    expect(links("(see https://x.example/a).")).toEqual(["https://x.example/a"]);
  });

  it("are none when they lead elsewhere than to the web", () => {
    expect(links("javascript:alert(1) data:text/html,x ftp://x.example vbscript:x")).toEqual([]);
  });

  it("lose no letter of the text", () => {
    for (const text of [
      "",
      "no link",
      "a https://x.example b",
      "https://",
      "<b>https://x.example</b>",
    ]) {
      expect(
        pieces(text)
          .map((piece) => piece.text)
          .join(""),
      ).toBe(text);
    }
  });
});
