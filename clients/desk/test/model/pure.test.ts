import { VigieError } from "@vigie/client";
import { describe, expect, it } from "vitest";
import { advance, newer } from "../../src/model/card.ts";
import { safeUrl, searchEngine } from "../../src/model/engines.ts";
import { cutBytes } from "../../src/model/live.ts";
import { profileOf, provenance } from "../../src/model/profile.ts";
import { refusalOf, unseenOf } from "../../src/model/refusal.ts";
import { filterThread, threadItem } from "../../src/model/thread.ts";
import { titleOf } from "../../src/model/title.ts";
import { card, event } from "./fixtures.ts";

const ann = { kind: "operator", id: "ann", name: "Ann" } as const;
const bot = { kind: "bot", name: "Bo" } as const;
const said = (text: string) => ({ type: "message", text, epoch: 1 }) as const;

describe("a thread", () => {
  it("marks what this operator said as theirs, and nothing else", () => {
    expect(threadItem(event(1, said("hi"), ann), "ann")).toMatchObject({
      part: "operator",
      mine: true,
    });
    expect(threadItem(event(1, said("hi"), ann), "bea")).toMatchObject({ mine: false });
    expect(threadItem(event(1, said("hi"), ann), null)).toMatchObject({ mine: false });
    expect(threadItem(event(1, said("hi")), "ann")).toMatchObject({ part: "visitor", mine: false });
    expect(threadItem(event(1, said("hi"), bot), "ann")).toMatchObject({ part: "bot" });
  });

  it("passes over events of a type that it does not know", () => {
    expect(threadItem(event(1, { type: "moon_landed" } as never), "ann")).toBeNull();
  });

  it("is filtered into visitor, operator and actions", () => {
    const items = [
      event(1, said("question")),
      event(2, said("from the bot"), bot),
      event(3, said("from Ann"), ann),
      event(4, { type: "note", text: "a note" }, ann),
      event(5, { type: "page_viewed", page: { url: "https://shop.example/" } }),
    ].flatMap((one) => threadItem(one, "ann") ?? []);
    const shown = (visitor: boolean, operator: boolean, actions: boolean) =>
      filterThread(items, { visitor, operator, actions }).map(({ offset }) => offset);
    expect(shown(true, false, false)).toEqual([1]);
    expect(shown(false, true, false)).toEqual([2, 3, 4]);
    expect(shown(false, false, true)).toEqual([5]);
    expect(shown(true, true, true)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("a card", () => {
  it("is moved on by the events that follow it, and by no other", () => {
    const before = card("s", { offset: 3, messages: 1, asked: 1, waiting: 500 });
    expect(advance(before, event(3, said("known")))).toBe(before);
    const asked = advance(before, event(4, said("more"), undefined, 9_000));
    expect(asked).toMatchObject({
      messages: 2,
      asked: 2,
      offset: 4,
      last: { from: "visitor", text: "more", time: 9_000, offset: 4 },
    });
    const taken = advance(
      asked,
      event(5, {
        type: "control_changed",
        epoch: 2,
        holder: ann,
        previous: { kind: "bot" },
        cause: "take_over",
      }),
    );
    expect(taken.control).toEqual({ epoch: 2, holder: ann, since: 5_000 });
    expect(taken.waiting).toBeUndefined();
    expect(before.waiting).toBe(500);
    expect(advance(taken, event(6, said("answer"), ann))).toMatchObject({ messages: 3, asked: 2 });
    expect(advance(taken, event(6, { type: "visitor_left" })).online).toBe(false);
  });

  it("gives way to a newer one only", () => {
    const old = card("s", { offset: 3 });
    const fresh = card("s", { offset: 4 });
    expect(newer(null, old)).toBe(old);
    expect(newer(fresh, old)).toBe(fresh);
    expect(newer(old, fresh)).toBe(fresh);
  });
});

describe("provenance", () => {
  it.each([
    ["https://www.google.com/", "Google"],
    ["https://www.google.co.uk/search?q=shoes", "Google"],
    ["https://www.google.lv/", "Google"],
    ["https://duckduckgo.com/?q=shoes", "DuckDuckGo"],
    ["https://www.bing.com/search?q=a", "Bing"],
    ["https://fr.search.yahoo.com/search", "Yahoo"],
    ["https://www.ecosia.org/search?q=a", "Ecosia"],
    ["https://search.brave.com/search?q=a", "Brave Search"],
    ["https://yandex.ru/search", "Yandex"],
    ["https://search.seznam.cz/", "Seznam"],
  ])("knows %s for the search engine %s", (referrer, engine) => {
    expect(provenance(referrer)).toEqual({ kind: "search", referrer, engine });
  });

  it.each([
    ["https://mail.google.com/mail/u/0/"],
    ["https://docs.google.com/document"],
    ["https://notgoogle.com/"],
    ["https://google.com.evil.example/"],
    ["https://blog.example/shoes"],
    ["android-app://com.example.app/"],
  ])("takes %s for a link", (referrer) => {
    expect(provenance(referrer)).toEqual({ kind: "link", referrer });
  });

  it("takes nothing, and nonsense, for a direct visit", () => {
    expect(provenance(undefined)).toEqual({ kind: "direct" });
    expect(provenance("  ")).toEqual({ kind: "direct" });
    expect(provenance("javascript:alert(1)").kind).toBe("direct");
    expect(searchEngine("google")).toBeUndefined();
  });

  it("lets a link lead to pages of the web only", () => {
    expect(safeUrl("https://shop.example/a b")).toBe("https://shop.example/a%20b");
    for (const bad of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/a", ""]) {
      expect(safeUrl(bad)).toBeUndefined();
    }
    expect(safeUrl(undefined)).toBeUndefined();
  });
});

describe("a profile", () => {
  const started = event(
    1,
    {
      type: "session_started",
      visitor: "v",
      ordinal: 3,
      context: {
        country: "LV",
        device: "mobile",
        browser: "Firefox 140",
        referrer: "https://duckduckgo.com/",
        page: { url: "https://shop.example/" },
      },
    },
    { kind: "system" },
    10_000,
  );
  const viewed = (offset: number, url: string, time: number) =>
    event(offset, { type: "page_viewed", page: { url } }, undefined, time);

  it("tells how long the visitor stayed on each page", () => {
    const { navigation } = profileOf(
      [
        started,
        viewed(2, "https://shop.example/a", 15_000),
        viewed(3, "https://shop.example/b", 45_000),
      ],
      null,
    );
    expect(navigation).toMatchObject({ started: 10_000, visits: 3 });
    expect(navigation.pages.map(({ page, stay }) => [page.url, stay])).toEqual([
      ["https://shop.example/", 5_000],
      ["https://shop.example/a", 30_000],
      ["https://shop.example/b", undefined],
    ]);
    expect(navigation.current?.url).toBe("https://shop.example/b");
  });

  it("stops the time when the visitor leaves, and begins anew when they return", () => {
    const { navigation } = profileOf(
      [
        started,
        event(2, { type: "visitor_left" }, { kind: "system" }, 12_000),
        event(
          3,
          {
            type: "visitor_returned",
            context: { device: "mobile", page: { url: "https://shop.example/" } },
          },
          { kind: "system" },
          90_000,
        ),
      ],
      null,
    );
    expect(navigation.pages.map(({ time, stay }) => [time, stay])).toEqual([
      [10_000, 2_000],
      [90_000, undefined],
    ]);
  });

  it("takes the latest data, rating and page, and keeps what only the events know", () => {
    const profile = profileOf(
      [
        started,
        event(2, { type: "data_changed", data: { plan: "free" } }),
        event(3, { type: "data_changed", data: { plan: "gold" } }),
        event(4, { type: "session_rated", score: 2 }),
        event(5, { type: "session_rated", score: 5, comment: "fine after all" }),
      ],
      card("s", { country: "FR", device: "mobile", page: { url: "https://shop.example/now" } }),
    );
    expect(profile).toMatchObject({
      country: "FR",
      browser: "Firefox 140",
      data: { plan: "gold" },
      rating: { score: 5, comment: "fine after all" },
      provenance: { kind: "search", engine: "DuckDuckGo" },
    });
    expect(profile.navigation.current?.url).toBe("https://shop.example/now");
  });

  it("makes do with a card alone", () => {
    expect(profileOf([], card("s", { ordinal: 2, started: 7 }))).toMatchObject({
      provenance: { kind: "direct" },
      navigation: { started: 7, visits: 2, pages: [] },
    });
  });
});

describe("a refusal", () => {
  const control = { epoch: 2, holder: ann, since: 5 };
  it.each([
    ["held", { data: control }, { kind: "held", holder: ann, since: 5 }],
    ["not_in_control", { data: control }, { kind: "not-in-control", holder: ann, since: 5 }],
    ["not_in_control", {}, { kind: "not-in-control" }],
    ["forbidden", {}, { kind: "forbidden" }],
    ["operator_unavailable", {}, { kind: "unavailable" }],
    ["session_closed", {}, { kind: "closed" }],
    ["session_full", {}, { kind: "full" }],
    ["disconnected", {}, { kind: "offline" }],
    ["key_reused", { code: 1040 }, { kind: "other", code: 1040, message: "words" }],
  ] as const)("%s is told in a form that there are words for", (name, details, expected) => {
    const error = new VigieError(name, "words", details);
    const refusal = refusalOf("send", error);
    expect(refusal).toMatchObject({ action: "send", ...expected });
  });

  it("tells how many messages were not seen", () => {
    expect(unseenOf(new VigieError("unseen", "", { data: { head: 9, unseen: 2 } }))).toBe(2);
    expect(unseenOf(new VigieError("held", ""))).toBeUndefined();
    expect(unseenOf(new Error("boom"))).toBeUndefined();
  });
});

describe("small things", () => {
  it("the title counts what is unread, up to a bound", () => {
    expect(titleOf(0, "Corner shop")).toBe("Corner shop · Vigie");
    expect(titleOf(3, "Corner shop")).toBe("(3) Corner shop · Vigie");
    expect(titleOf(100, undefined)).toBe("(99+) Vigie");
  });

  it("a search is cut to whole characters", () => {
    expect(cutBytes("abc", 3)).toBe("abc");
    expect(cutBytes("ābc", 2)).toBe("ā");
    expect(cutBytes("a🦊", 4)).toBe("a");
  });
});
