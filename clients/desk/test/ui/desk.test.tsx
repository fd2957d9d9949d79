// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Choice, ME, type SampleConversation, sampleDesk } from "../../gallery/sample.ts";
import { ApiError } from "../../src/model/http.ts";
import { App } from "../../src/ui/app.tsx";
import { dialog } from "../../src/ui/state.ts";

const HEIGHT_PX = 600;
const me = { kind: "operator", id: ME, name: "Marta" } as const;
const anna = { kind: "operator", id: "op-9", name: "Anna" } as const;

let place: HTMLElement;

beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(HEIGHT_PX);
  place = document.createElement("div");
  document.body.append(place);
});

afterEach(async () => {
  await act(() => render(null, place));
  place.remove();
  dialog.value = null;
  vi.restoreAllMocks();
});

describe("the live list", () => {
  it("renders a few rows of ten thousand sessions", async () => {
    await shown({ size: 10_000 });
    const rows = all('[role="listbox"] [role="option"]');
    expect(rows.length).toBeGreaterThan(HEIGHT_PX / 44 - 1);
    expect(rows.length).toBeLessThan(40);
    expect(rows[0]?.getAttribute("aria-setsize")).toBe("10000");
  });

  it("is worked by keys: down, and Enter opens", async () => {
    const { at } = await shown();
    await press("j");
    await press("j");
    const list = one('[role="listbox"]');
    expect(list.getAttribute("aria-activedescendant")).toBe("row-s-00001");
    await press("Enter", list);
    expect(at.active.value?.session).toBe("s-00001");
  });

  it("says why it is empty, and clears the search that emptied it", async () => {
    const { at } = await shown();
    await act(() => {
      at.list.search.value = "no such words";
    });
    expect(text()).toContain("Nothing found for “no such words”");
    await press("/");
    await act(() => {
      at.list.search.value = "";
    });
    expect(all('[role="option"]').length).toBeGreaterThan(0);
  });

  it("filters by the number keys and tells how many there are", async () => {
    const { at } = await shown();
    const tab = named("tab", "Waiting");
    expect(tab.textContent).toMatch(/Waiting\s+3/);
    await press("2", document.body, { code: "Digit2" });
    expect(at.list.show.value).toBe("waiting");
    expect(tab.getAttribute("aria-selected")).toBe("true");
    expect(all('[role="option"]')).toHaveLength(3);
  });
});

describe("a conversation", () => {
  it("is taken over and released with one key each", async () => {
    const conversation = await opened();
    await press("t");
    expect(conversation.mine.value).toBe(true);
    expect(buttons()).toContain("Release");
    one("[data-composer]").blur();
    await press("r");
    expect(conversation.mine.value).toBe(false);
    expect(buttons()).toContain("Take over");
  });

  it("does not take letters that are written for keys", async () => {
    const conversation = await opened();
    await press("t", one("[data-composer]"));
    expect(conversation.mine.value).toBe(false);
    await press("t", one("[data-composer]"), { altKey: true, code: "KeyT" });
    expect(conversation.mine.value).toBe(true);
  });

  it("shows what a visitor says as text, never as markup", async () => {
    const conversation = await opened();
    const offset = 99;
    await act(() =>
      conversation.set.add({
        kind: "message",
        part: "visitor",
        offset,
        time: Date.now(),
        author: { kind: "visitor" },
        text: '<img src=x onerror="alert(1)"> https://x.example/<b>',
        choices: [],
        mine: false,
      }),
    );
    const bubble = all<HTMLElement>(".bubble").at(-1);
    expect(bubble?.textContent).toContain('<img src=x onerror="alert(1)">');
    expect(bubble?.querySelector("img, b")).toBeNull();
    expect(bubble?.querySelector("a")?.getAttribute("rel")).toContain("noopener noreferrer");
  });

  it("links the visitor's page in a new tab without telling it from where", async () => {
    await opened();
    const link = all<HTMLAnchorElement>("a").find(
      (each) => each.textContent === "Open current page",
    );
    expect(link?.getAttribute("target")).toBe("_blank");
    expect(link?.getAttribute("rel")).toBe("noopener noreferrer");
  });

  it("sends with Enter, breaks the line with Shift and Enter, and sends nothing while observing", async () => {
    const conversation = await opened();
    const box = one<HTMLTextAreaElement>("[data-composer]");
    const send = vi.spyOn(conversation, "send");
    await act(() => {
      conversation.text.value = "hello";
    });
    await press("Enter", box);
    expect(send).not.toHaveBeenCalled();
    expect(conversation.text.value).toBe("hello");
    await act(() => conversation.set.control(me));
    await press("Enter", box, { shiftKey: true });
    expect(send).not.toHaveBeenCalled();
    await press("Enter", box);
    expect(send).toHaveBeenCalledOnce();
  });

  it("shows who won when a claim is refused, and since when", async () => {
    for (const [rank, offer] of [
      ["agent", ""],
      ["supervisor", "Override…"],
    ] as const) {
      const conversation = await opened({ rank });
      await act(() => {
        conversation.set.control(anna);
        conversation.set.refusal({
          action: "take-over",
          kind: "held",
          holder: anna,
          since: Date.now() - 130_000,
        });
      });
      expect(text(".notice")).toBe(`Anna took this conversation first, 2 minutes ago.${offer}`);
    }
  });

  it("asks before it sends what was written without having seen the visitor's last words", async () => {
    const conversation = await opened();
    const send = vi.spyOn(conversation, "send");
    await act(() => {
      conversation.set.control(me);
      conversation.set.unseen({ key: "k", count: 2 });
    });
    const asked = one('[role="alertdialog"]');
    expect(asked.getAttribute("aria-label")).toBe("The visitor wrote 2 new messages meanwhile");
    await act(() => find(asked, "Send anyway").click());
    expect(send).toHaveBeenCalledWith({ confirm: true });
  });

  it("hides the parts of the thread that one does not want to see", async () => {
    await opened();
    expect(all(".system").length).toBeGreaterThan(0);
    const filter = all<HTMLInputElement>('input[type="checkbox"]').find(
      (input) => input.closest("label")?.textContent === "Actions & navigation",
    );
    await act(() => filter?.click());
    expect(all(".system")).toHaveLength(0);
    expect(text()).toContain("hidden by the filters");
  });

  it("offers force and revoke to supervisors only, and asks for a reason", async () => {
    const conversation = await opened({ rank: "supervisor" });
    await act(() => conversation.set.control(anna));
    await act(() => named("button", "More actions").click());
    await act(() => named("menuitem", "Take over by force…").click());
    const submit = find(one("dialog"), "Take over by force");
    expect(submit.hasAttribute("disabled")).toBe(true);
  });

  it("offers agents neither force nor revoke", async () => {
    const conversation = await opened({ rank: "agent" });
    await act(() => conversation.set.control(anna));
    expect(all('[aria-label="More actions"]')).toHaveLength(0);
  });

  it("keeps what was written readable once the conversation is closed", async () => {
    const conversation = await opened();
    await act(() => {
      conversation.text.value = "half a sentence";
      conversation.set.closed();
    });
    expect(one<HTMLTextAreaElement>(".composer-text").value).toBe("half a sentence");
    expect(buttons()).not.toContain("Take over");
  });
});

describe("the palette", () => {
  it("opens with Ctrl-K and does what is chosen", async () => {
    const conversation = await opened();
    await press("k", document.body, { ctrlKey: true });
    const box = one<HTMLInputElement>('[role="combobox"]');
    await type(box, "take");
    expect(one('dialog [role="option"][aria-selected="true"]').textContent).toContain("Take over");
    await press("Enter", box);
    expect(dialog.value).toBeNull();
    await vi.waitFor(() => expect(conversation.mine.value).toBe(true));
  });
});

describe("the stages", () => {
  it("show a sign-in form that tells what was wrong", async () => {
    const desk = await shown({ stage: "signed-out" });
    vi.spyOn(desk, "signIn").mockRejectedValue(new ApiError({ kind: "wrong" }));
    for (const input of all<HTMLInputElement>("form input")) await type(input, "marta");
    await act(() => one<HTMLFormElement>("form").requestSubmit());
    await vi.waitFor(() => expect(text('[role="alert"]')).toBe("Login or password is wrong."));
    expect(find(place, "Sign in").getAttribute("aria-busy")).toBe("false");
  });

  it("say calmly that messages may be late, and take nothing away", async () => {
    const conversation = await opened({ degraded: true });
    expect(text(".banner")).toContain("Some messages may be late");
    expect(text(".banner")).toContain("What you send is kept and tried again");
    await press("t");
    expect(conversation.mine.value).toBe(true);
    expect(one<HTMLTextAreaElement>("[data-composer]").disabled).toBe(false);
  });

  it("say once that what came last may be lost, until that is dismissed", async () => {
    await opened({ lost: true });
    expect(text(".banner")).toContain("The server has lost what came last");
    await act(() => find(one(".banner"), "Dismiss").click());
    expect(all(".banner")).toEqual([]);
  });

  it("lay the sign-in form over the desk when the session has ended, drafts and all", async () => {
    const desk = await shown({ expired: true });
    const conversation = desk.at.open("s-00000");
    await act(() => {
      conversation.text.value = "half a sentence";
    });
    expect(one("dialog").getAttribute("aria-label")).toBe("Your session has ended");
    expect(one<HTMLTextAreaElement>("[data-composer]").value).toBe("half a sentence");
  });
});

async function shown(choice: Choice = {}) {
  const desk = sampleDesk(choice);
  await act(() => render(<App desk={desk} />, place));
  return desk;
}

async function opened(choice: Choice = {}): Promise<SampleConversation> {
  const desk = await shown(choice);
  let conversation: SampleConversation | undefined;
  await act(() => {
    conversation = desk.at.open("s-00000") as SampleConversation;
  });
  if (conversation === undefined) throw new Error("not opened");
  return conversation;
}

async function press(
  key: string,
  target: HTMLElement = document.body,
  init: KeyboardEventInit = {},
) {
  await act(() => {
    target.dispatchEvent(
      new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init }),
    );
  });
}

async function type(input: HTMLInputElement, value: string) {
  await act(() => {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

function all<T extends HTMLElement>(selector: string): T[] {
  return [...document.querySelectorAll<T>(selector)];
}

function one<T extends HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (found === null) throw new Error(`nothing fits ${selector}`);
  return found;
}

function named(role: string, name: string): HTMLElement {
  const selector = role === "button" ? "button" : `[role="${role}"]`;
  const found = all(selector).find((each) =>
    (each.getAttribute("aria-label") ?? each.textContent)?.startsWith(name),
  );
  if (found === undefined) throw new Error(`no ${role} is named ${name}`);
  return found;
}

function find(root: HTMLElement, name: string): HTMLElement {
  const found = [...root.querySelectorAll<HTMLElement>("button")].find((each) =>
    each.textContent?.startsWith(name),
  );
  if (found === undefined) throw new Error(`no button is named ${name}`);
  return found;
}

function buttons(): string[] {
  return all("button").map((each) => each.firstChild?.textContent ?? "");
}

function text(selector = "#none"): string {
  return (document.querySelector(selector) ?? place).textContent ?? "";
}
