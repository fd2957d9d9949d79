import { describe, expect, it } from "vitest";
import { backoff } from "../src/backoff.ts";
import { Follow, REPAIRS_MAX, Revision, type Verdict } from "../src/follow.ts";
import { newKey } from "../src/key.ts";
import { changed, snapshot } from "../src/live.ts";
import type { Card, Sort, Totals } from "../src/protocol.ts";
import { cut, cutPage } from "../src/text.ts";

describe("the proof that no event is missing", () => {
  it("accepts each event once, in order, and asks once for what is missing", () => {
    const follow = new Follow(3);
    // Offsets that this role does not see leave no gap.
    const steps: [number, number, Verdict][] = [
      [3, 4, "accept"],
      [3, 4, "ignore"],
      [2, 3, "ignore"],
      [4, 7, "accept"],
      [9, 10, "gap"],
      [10, 11, "ignore"],
      [7, 8, "accept"],
      [8, 9, "accept"],
      [9, 10, "accept"],
    ];
    for (const [prev, offset, verdict] of steps) {
      expect(follow.judge(prev, offset), `${prev} ${offset}`).toBe(verdict);
    }
    follow.asked();
    expect(follow.judge(12, 13)).toBe("gap");
  });

  it("gives up what asking does not mend", () => {
    const follow = new Follow(3);
    for (let repair = 0; repair < REPAIRS_MAX; repair += 1) {
      expect(follow.judge(5, 6)).toBe("gap");
      follow.asked();
    }
    expect(follow.judge(5, 6)).toBe("hopeless");
    expect(follow.judge(3, 4)).toBe("accept");
    expect(follow.judge(5, 6)).toBe("gap");
  });

  it("holds for every way in which a stream can be repeated and cut", () => {
    // All visible offsets of a log; the rest is not for this role.
    const visible = [2, 3, 5, 9, 10, 14];
    for (let from = 0; from < visible.length; from += 1) {
      for (let to = from; to < visible.length; to += 1) {
        const follow = new Follow(0);
        const told: number[] = [];
        const play = (offsets: number[]) => {
          for (const offset of offsets) {
            const prev = visible[visible.indexOf(offset) - 1] ?? 0;
            if (follow.judge(prev, offset) === "accept") {
              told.push(offset);
            }
          }
        };
        // Some are lost, some come twice, then all comes from the last one that was accepted.
        play([...visible.slice(0, from), ...visible.slice(to), ...visible.slice(0, to)]);
        follow.asked();
        play(visible.filter((offset) => offset > follow.last));
        expect(told).toEqual(visible);
      }
    }
  });

  it("counts the live list's deltas from the snapshot and stops at a gap", () => {
    const revision = new Revision();
    expect(revision.judge(1)).toBe("ignore");
    revision.snapshot(5);
    expect([5, 6, 8, 9].map((next) => revision.judge(next))).toEqual([
      "ignore",
      "accept",
      "gap",
      "ignore",
    ]);
    revision.snapshot(9);
    expect(revision.judge(10)).toBe("accept");
    revision.forget();
    expect(revision.judge(11)).toBe("ignore");
  });
});

describe("a window of the live list", () => {
  const totals: Totals = { all: 3, waiting: 1, bot: 3, mine: 0, others: 0, matching: 3 };
  const card = (session: string, started: number, more: Partial<Card> = {}): Card => ({
    session,
    visitor: "v",
    started,
    device: "desktop",
    messages: 0,
    control: { epoch: 1, holder: { kind: "bot" }, since: started },
    bot: "idle",
    online: true,
    offset: 1,
    ...more,
  });
  const said = (time: number) => ({
    last: { from: "visitor" as const, text: "", time, offset: 2 },
  });
  const cards = [
    card("b", 20),
    card("a", 20, { waiting: 90 }),
    card("c", 10, { ...said(99), waiting: 80 }),
    card("d", 30, said(31)),
  ];

  it.each<[Sort, string]>([
    ["newest", "dabc"],
    ["oldest", "cabd"],
    ["activity", "cdab"],
    ["waiting", "cadb"],
  ])("in the order %s is %s, ties broken by session", (sort, order) => {
    const view = snapshot({ revision: 1, cards, totals }, { sort });
    expect(view.cards.map(({ session }) => session).join("")).toBe(order);
  });

  it("takes new and changed cards in and lets others go; the view before stays as it was", () => {
    const before = snapshot({ revision: 1, cards, totals }, {});
    const upsert = [card("a", 20, { messages: 7 }), card("e", 40)];
    const after = changed(before, {
      revision: 2,
      upsert,
      remove: ["d"],
      totals: { ...totals, all: 4 },
    });
    expect(after.cards.map(({ session }) => session).join("")).toBe("eabc");
    expect(after.cards[1]?.messages).toBe(7);
    expect(after.totals.all).toBe(4);
    expect(before.cards.map(({ session }) => session).join("")).toBe("dabc");
  });

  it("keeps the cards when only counts change", () => {
    const before = snapshot({ revision: 1, cards, totals }, {});
    const after = changed(before, { revision: 2, totals: { ...totals, all: 9 } });
    expect(after.cards).toBe(before.cards);
    expect(after.totals.all).toBe(9);
  });
});

it("texts are cut to bytes without cutting a character in two", () => {
  expect(cut("short", 10)).toBe("short");
  expect(cut("ünü", 3)).toBe("ün");
  expect(cut("ünü", 4)).toBe("ün");
  expect(cut("📦📦", 7)).toBe("📦");
  expect(cutPage({ url: `https://shop.example/${"x".repeat(3_000)}`, title: " " })).toEqual({
    url: `https://shop.example/${"x".repeat(2_048 - 21)}`,
  });
});

it("keys are random UUIDs", () => {
  const keys = new Set(Array.from({ length: 100 }, newKey));
  expect(keys.size).toBe(100);
  for (const key of keys) {
    expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

it("waits never leave their bounds", () => {
  for (let failures = 0; failures < 2_000; failures += 1) {
    expect(backoff(failures, 0)).toBe(0);
    expect(backoff(failures, 0.999_999)).toBeLessThan(30_000);
  }
});
