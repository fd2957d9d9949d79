import { describe, expect, it, vi } from "vitest";
import { ADOPT_AFTER, Outbox } from "../src/model/outbox.ts";
import { sharedShelf, tabShelf } from "../src/model/shelf.ts";

let site = 0;
const newSite = () => `outbox-${++site}`;

/** What the browser does to the other tabs when one of them writes. */
function tellOtherTabs(site: string, name: string): void {
  const key = `vigie:${site}:${name}`;
  window.dispatchEvent(new StorageEvent("storage", { key, storageArea: localStorage }));
}

describe("messages that wait to be sent", () => {
  it("are still there after a reload, in the order they were written in", () => {
    const site = newSite();
    const before = new Outbox(sharedShelf(site), "tab");
    before.add("k2", "first", 1000);
    before.add("k1", "second", 1000);
    before.add("k0", "third", 900);
    const after = new Outbox(sharedShelf(site), "tab");
    expect(after.unsent.value.map(({ text }) => text)).toEqual(["first", "second", "third"]);
  });

  it("appear in the other tabs, and leave them again", () => {
    const site = newSite();
    const [one, other] = [new Outbox(sharedShelf(site), "1"), new Outbox(sharedShelf(site), "2")];
    one.add("k", "hello", 1000);
    tellOtherTabs(site, "unsent:k");
    expect(other.unsent.value.map(({ text }) => text)).toEqual(["hello"]);
    one.remove("k");
    tellOtherTabs(site, "unsent:k");
    expect(other.unsent.value).toEqual([]);
  });

  it("belong to the tab that wrote them at first, and to any when that may be gone", () => {
    const site = newSite();
    new Outbox(sharedShelf(site), "1").add("k", "hello", 1000);
    const other = new Outbox(sharedShelf(site), "2");
    expect(other.due(1000 + ADOPT_AFTER - 1)).toBeUndefined();
    expect(other.due(1000 + ADOPT_AFTER)?.key).toBe("k");
    expect(new Outbox(sharedShelf(site), "1").due(1000)?.key).toBe("k");
  });

  it("are not sent while they have failed, but when the visitor tries again", () => {
    const outbox = new Outbox(sharedShelf(newSite()), "tab");
    outbox.add("k", "hello", 1000);
    outbox.update("k", { state: "failed", session: "old" });
    expect(outbox.due(1e9)).toBeUndefined();
    outbox.add("k", "hello", 5000);
    expect(outbox.due(5000)).toEqual({
      key: "k",
      text: "hello",
      time: 5000,
      tab: "tab",
      state: "sending",
    });
  });

  it("are shown as sent from the acknowledgement to the event, but not over a reload", () => {
    const site = newSite();
    const outbox = new Outbox(sharedShelf(site), "tab");
    outbox.add("k", "hello", 1000);
    outbox.update("k", { state: "sent" });
    expect(outbox.due(1e9)).toBeUndefined();
    expect(outbox.unsent.value).toHaveLength(1);
    expect(new Outbox(sharedShelf(site), "tab").unsent.value).toEqual([]);
  });

  it("of one site are not those of another", () => {
    new Outbox(sharedShelf(newSite()), "tab").add("k", "hello", 1000);
    expect(new Outbox(sharedShelf(newSite()), "tab").unsent.value).toEqual([]);
  });

  it("are kept while the page lives where storage is full", () => {
    const outbox = new Outbox({ ...sharedShelf(newSite()), set() {} }, "tab");
    outbox.add("k", "hello", 1000);
    expect(outbox.due(1000)?.text).toBe("hello");
  });
});

describe("a shelf", () => {
  it("says that it does not last where the browser forbids storage", () => {
    expect(tabShelf("a").lasting).toBe(true);
    const forbidden = vi.spyOn(globalThis, "sessionStorage", "get").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    const shelf = tabShelf("a");
    forbidden.mockRestore();
    expect(shelf.lasting).toBe(false);
    shelf.set("draft", "hello");
    expect([shelf.get("draft"), shelf.names()]).toEqual(["hello", ["draft"]]);
    shelf.remove("draft");
    expect([shelf.get("draft"), shelf.names()]).toEqual([undefined, []]);
  });
});
