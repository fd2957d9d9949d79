import { describe, expect, it } from "vitest";
import type { Command } from "../../src/ui/palette/commands.ts";
import { fit } from "../../src/ui/palette/match.ts";
import { search } from "../../src/ui/palette/palette.tsx";

const command = (id: string, group: string, name: string, detail?: string): Command => ({
  id,
  group,
  name,
  ...(detail === undefined ? {} : { detail }),
  run: () => {},
});

describe("what is typed into the palette", () => {
  it("fits when each of its words is found, in any order", () => {
    expect(fit("over take", "Take over")).toBeGreaterThan(0);
    expect(fit("take under", "Take over")).toBe(0);
  });

  it("fits better at the beginning of a name than of a word, and there better than inside", () => {
    const scores = [fit("re", "Release"), fit("re", "Write a reply"), fit("re", "More")];
    expect(scores).toEqual([...scores].sort((one, other) => other - one));
    expect(new Set(scores).size).toBe(3);
  });

  it("is found without its accents and letter case", () => {
    expect(fit("ELODIE", "Élodie Garnier")).toBeGreaterThan(0);
    expect(fit("parnemt", "Pārņemt")).toBeGreaterThan(0);
  });

  it("is searched in the detail as well, which counts less than the name", () => {
    expect(fit("tent", "Latvia", "The tent is damaged")).toBeGreaterThan(0);
    expect(fit("tent", "Tents")).toBeGreaterThan(fit("tent", "Latvia", "The tent"));
  });

  it("puts the group with the best fit first and keeps groups together", () => {
    const all = [
      command("a", "list", "Sort: newest"),
      command("b", "settings", "Theme: light"),
      command("c", "list", "Thailand"),
      command("d", "settings", "Notifications: the new ones"),
    ];
    const found = search(all, "the");
    expect(found.map((one) => one.id)).toEqual(["b", "d"]);
  });

  it("offers only a few conversations until something is typed", () => {
    const all = Array.from({ length: 50 }, (_, index) =>
      command(`live-${index}`, "live", "France"),
    );
    expect(search(all, "")).toHaveLength(5);
    expect(search(all, "fra").length).toBeGreaterThan(5);
  });
});
