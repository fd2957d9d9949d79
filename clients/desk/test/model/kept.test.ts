import { describe, expect, it } from "vitest";
import { DRAFTS_MAX, UNREAD_SESSIONS_MAX } from "../../src/model/bounds.ts";
import { Drafts } from "../../src/model/drafts.ts";
import { openPreferences } from "../../src/model/preferences.ts";
import { Unread } from "../../src/model/unread.ts";
import { card } from "./fixtures.ts";
import { MemoryStorage } from "./support.ts";

describe("preferences", () => {
  it("are kept, and the same in all tabs", () => {
    const storage = new MemoryStorage();
    const here = openPreferences(storage.tab()).preferences;
    const there = openPreferences(storage.tab()).preferences;
    here.notify.value = "all";
    here.parts.value = { visitor: true, operator: true, actions: false };
    expect(there.notify.value).toBe("all");
    expect(there.parts.value.actions).toBe(false);
    there.notify.value = "none";
    expect(here.notify.value).toBe("none");
    expect(openPreferences(storage.tab()).preferences.notify.value).toBe("none");
  });

  it("fall back to their beginning where what is kept is damaged", () => {
    const storage = new MemoryStorage();
    storage.set("vigie.desk.preference.theme", "{not json");
    storage.set("vigie.desk.preference.sort", '"sideways"');
    storage.set("vigie.desk.preference.parts", '{"visitor":1}');
    const { preferences } = openPreferences(storage);
    expect(preferences.theme.value).toBe("auto");
    expect(preferences.sort.value).toBe("waiting");
    expect(preferences.parts.value).toEqual({ visitor: true, operator: true, actions: true });
    expect(preferences.notify.value).toBe("new");
  });
});

describe("drafts", () => {
  const draft = (text: string) => ({ text, note: false, pending: [] });

  it("are kept apart by account, site and session, and go when nothing is left", () => {
    const storage = new MemoryStorage();
    const drafts = new Drafts(storage, "ann", "shop");
    drafts.write("s1", draft("half a sent"));
    expect(new Drafts(storage, "ann", "shop").read("s1")).toEqual(draft("half a sent"));
    expect(new Drafts(storage, "bea", "shop").read("s1")).toBeUndefined();
    expect(new Drafts(storage, "ann", "bakery").read("s1")).toBeUndefined();
    expect(drafts.sessions()).toEqual(["s1"]);
    drafts.write("s1", draft(""));
    expect(drafts.sessions()).toEqual([]);
    expect([...storage.kept.keys()].filter((key) => key.includes("s1"))).toEqual([]);
  });

  it("are bounded: the one that was written longest ago goes first", () => {
    const drafts = new Drafts(new MemoryStorage(), "ann", "shop");
    for (let number = 0; number <= DRAFTS_MAX; number += 1) {
      drafts.write(`s${number}`, draft("text"));
    }
    expect(drafts.sessions()).toHaveLength(DRAFTS_MAX);
    expect(drafts.read("s0")).toBeUndefined();
    expect(drafts.read("s1")).toEqual(draft("text"));
  });

  it("pass over what somebody else wrote into their place", () => {
    const storage = new MemoryStorage();
    storage.set("vigie.desk.draft.ann.shop.s1", '{"text":"kept","pending":[{"key":1},null]}');
    expect(new Drafts(storage, "ann", "shop").read("s1")).toEqual(draft("kept"));
  });
});

describe("unread messages", () => {
  it("are not counted for what the bot leads by itself", () => {
    const unread = new Unread();
    unread.said("s", 4);
    expect(unread.of("s")).toBe(0);
    expect(unread.total.value).toBe(0);
  });

  it("are counted from the one that rang until somebody looks", () => {
    const unread = new Unread();
    unread.rang(card("s", { asked: 4 }));
    expect(unread.of("s")).toBe(1);
    unread.said("s", 6);
    expect(unread.of("s")).toBe(3);
    unread.opened("s");
    expect(unread.of("s")).toBe(3);
    unread.looked("s", 6);
    expect(unread.of("s")).toBe(0);
    unread.said("s", 7);
    expect(unread.total.value).toBe(1);
  });

  it("begin with what comes after a tab was opened", () => {
    const unread = new Unread();
    unread.opened("s");
    unread.said("s", 12);
    expect(unread.of("s")).toBe(0);
    unread.said("s", 13);
    expect(unread.of("s")).toBe(1);
    unread.closed("s");
    expect(unread.total.value).toBe(0);
  });

  it("go when another operator has taken the session, unless it is open here", () => {
    const unread = new Unread();
    unread.rang(card("a", { asked: 1 }));
    unread.rang(card("b", { asked: 1 }));
    unread.opened("b");
    unread.quiet("a");
    unread.quiet("b");
    expect(unread.of("a")).toBe(0);
    expect(unread.of("b")).toBe(1);
    expect(unread.total.value).toBe(1);
  });

  it("stay unread when the log becomes another one, in which fewer may have been said", () => {
    const unread = new Unread();
    unread.opened("open");
    unread.said("open", 7);
    unread.said("open", 9);
    unread.rang(card("rang", { asked: 5 }));
    unread.renew();
    expect([unread.of("open"), unread.of("rang"), unread.total.value]).toEqual([2, 1, 3]);
    unread.said("open", 6);
    unread.rang(card("rang", { asked: 3 }));
    expect(unread.total.value).toBe(3);
    unread.said("open", 7);
    unread.said("rang", 4);
    expect([unread.of("open"), unread.of("rang"), unread.total.value]).toEqual([3, 2, 5]);
    unread.looked("open", 7);
    expect(unread.total.value).toBe(2);
  });

  it("are counted for a bounded number of sessions, and the sum stays right", () => {
    const unread = new Unread();
    for (let number = 0; number < UNREAD_SESSIONS_MAX + 10; number += 1) {
      unread.rang(card(`s${number}`, { asked: 1 }));
    }
    expect(unread.of("s0")).toBe(0);
    expect(unread.total.value).toBe(UNREAD_SESSIONS_MAX);
  });
});
