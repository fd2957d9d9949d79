// The widget in a page: what its tag says, what it tells the engine of the page, what it draws.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PageApi } from "../src/api.ts";
import { currentPage, TITLE_WAIT, watchPages } from "../src/model/pages.ts";
import { mount } from "../src/mount.tsx";
import { DATA_ENTRIES_MAX, readTag, visitorData } from "../src/tag.ts";

function script(attributes: Record<string, string>): HTMLScriptElement {
  const element = document.createElement("script");
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  return element;
}

describe("the script tag", () => {
  it("says which site, how the widget looks, and who the visitor is", () => {
    const tag = readTag(
      script({
        "data-site": "shop",
        "data-connect": "open",
        "data-accent": "#123456",
        "data-visitor-email": "a@b.example",
        "data-visitor-customer-id": "17",
      }),
    );
    expect(tag).toMatchObject({ site: "shop", connect: "open", accent: "#123456" });
    expect(tag.data).toEqual({ email: "a@b.example", "customer-id": "17" });
  });

  it("leaves alone what is known of the visitor when it says nothing of them", () => {
    expect(readTag(script({ "data-site": "shop" }))).not.toHaveProperty("data");
  });

  it("never carries more data than the engine takes", () => {
    const many = Array.from({ length: 20 }, (_, at) => [`key${at}`, "é".repeat(300)] as const);
    const data = visitorData([["", "x"], ["k".repeat(65), "x"], ["gone", undefined], ...many]);
    expect(Object.keys(data)).toHaveLength(DATA_ENTRIES_MAX);
    expect(data.key0).toBe("é".repeat(128));
  });
});

describe("pages that change without a load", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("are reported once each, with the title that they set a moment later", () => {
    const seen: unknown[] = [];
    watchPages((page) => seen.push(page));
    history.pushState({}, "", "#one");
    document.title = "One";
    history.replaceState({ scroll: 7 }, "", "#one");
    vi.advanceTimersByTime(TITLE_WAIT);
    history.replaceState({ scroll: 8 }, "");
    vi.advanceTimersByTime(TITLE_WAIT);
    expect(seen).toEqual([{ url: location.href, title: "One" }]);
    expect(currentPage()).toEqual(seen[0]);
  });
});

describe("the widget in a page", () => {
  const vigie = () => (window as unknown as { Vigie: PageApi }).Vigie;
  const heard: unknown[] = [];
  let root: Element;

  beforeEach(async () => {
    if (document.querySelector("vigie-widget") === null) {
      (window as { Vigie?: unknown }).Vigie = [
        ["on", "open", () => heard.push("open")],
        ["on", "close", () => heard.push("close")],
      ];
      // Nothing listens there: what is written waits, and the settings stay unknown.
      const source = "http://127.0.0.1:9/widget.js";
      performance.mark("vigie:start");
      mount({ source, site: "shop", connect: "open", language: "en", accent: "#ffd700", data: {} });
      await vi.waitFor(() => expect(document.querySelector("vigie-widget")).not.toBeNull(), 5000);
    }
    root = document.querySelector("vigie-widget")?.shadowRoot?.querySelector(".root") as Element;
  });

  const button = (name: string) =>
    root.querySelector<HTMLButtonElement>(`button[aria-label="${name}"]`);

  it("opens and closes from its button and from the page, which is told", () => {
    expect(button("Open chat")?.getAttribute("aria-expanded")).toBe("false");
    button("Open chat")?.click();
    expect(root.querySelector("[role=dialog]")?.getAttribute("aria-label")).toBe("Chat");
    vigie().close();
    expect(root.querySelector("[role=dialog]")).toBeNull();
    vigie().push(["open"]);
    expect(heard).toEqual(["open", "close", "open"]);
  });

  it("draws what is written as text with links, never as HTML", () => {
    vigie().open();
    const field = root.querySelector("textarea") as HTMLTextAreaElement;
    field.value = '<img src=x onerror="alert(1)"> https://shop.example/<b>\nnext line';
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    button("Send")?.click();
    const bubble = root.querySelector(".visitor .bubble");
    expect(bubble?.textContent).toBe(
      '<img src=x onerror="alert(1)"> https://shop.example/<b>\nnext line',
    );
    expect(root.querySelector("img, .bubble b")).toBeNull();
    const link = bubble?.querySelector("a");
    expect(link?.getAttribute("href")).toBe("https://shop.example/");
    expect(link?.getAttribute("rel")).toBe("noopener noreferrer nofollow");
    expect(link?.getAttribute("target")).toBe("_blank");
    expect(root.querySelector("textarea")?.value).toBe("");
  });

  it("tells before sending that a message is too long, and does not take it", () => {
    vigie().open();
    const field = root.querySelector("textarea") as HTMLTextAreaElement;
    field.value = "é".repeat(8_195);
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    expect(root.querySelector("#room")?.textContent).toBe("Characters left: -3");
    expect(button("Send")?.disabled).toBe(true);
    expect(field.getAttribute("aria-invalid")).toBe("true");
  });

  it("closes with Escape", () => {
    vigie().open();
    root
      .querySelector("textarea")
      ?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    expect(root.querySelector("[role=dialog]")).toBeNull();
  });
});
