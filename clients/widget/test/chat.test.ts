// The model against a real engine: what the visitor says and sees, over losses and reloads.

import type { OperatorClient } from "@vigie/client";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Engine, eventually, ORIGIN } from "../../sdk/test/engine.ts";
import { settled, type TestLink, TestNetwork } from "../../sdk/test/fakes.ts";
import { operate, serveBot, webSocketOf } from "../../sdk/test/people.ts";
import { Chat, type ChatOptions } from "../src/model/chat.ts";
import { type Shelf, sharedShelf, tabShelf } from "../src/model/shelf.ts";

let engine: Engine;
const chats: Chat[] = [];
const operators: OperatorClient[] = [];

beforeAll(async () => {
  engine = await Engine.start();
  return () => engine.dispose();
}, 60_000);

afterEach(() => {
  for (const chat of chats.splice(0)) {
    chat.close();
  }
  for (const operator of operators.splice(0)) {
    operator.close();
  }
});

let browsers = 0;

/** The shelves of a new browser; `tab` makes those of one more tab in it. */
function browser(): { shared: Shelf; own: Shelf; tab(): { shared: Shelf; own: Shelf } } {
  const name = `browser-${++browsers}`;
  const tab = () => ({ shared: sharedShelf(name), own: tabShelf(`${name}-${++browsers}`) });
  return { ...tab(), tab };
}

/** A page with the widget; with the same shelves it is the same tab after a reload. */
function open(shelves: { shared: Shelf; own: Shelf }, more: Partial<ChatOptions> = {}): Chat {
  const chat = new Chat({
    url: engine.ws,
    site: "shop",
    shared: shelves.shared,
    own: shelves.own,
    page: { url: "http://shop.example/" },
    referrer: "",
    language: "en",
    data: {},
    transport: webSocketOf(ORIGIN),
    ...more,
  });
  chats.push(chat);
  chat.connect();
  return chat;
}

/** What is said in the conversation, and nothing waits to be. */
const said = (chat: Chat) =>
  chat.waiting.value.length === 0 &&
  chat.conversation.value.entries.flatMap((entry) => (entry.kind === "said" ? [entry.text] : []));

const saysExactly = (chat: Chat, ...texts: string[]) =>
  eventually(`exactly ${texts}`, () => JSON.stringify(said(chat)) === JSON.stringify(texts));

async function operator(id: string, name = id): Promise<OperatorClient> {
  const client = await operate(engine, id, undefined, { name });
  operators.push(client);
  await client.ready();
  return client;
}

const sessionOf = (chat: Chat) => eventually("a session", () => chat.session);

describe("a visitor's chat", () => {
  it("says what is written, once and in order", async () => {
    const chat = open(browser());
    chat.draft.value = "  first  ";
    chat.sayDraft();
    chat.say("second");
    await saysExactly(chat, "first", "second");
    expect(chat.draft.value).toBe("");
  });

  it("refuses what is empty or longer than the engine takes, and keeps it as a draft", () => {
    const chat = open(browser());
    for (const text of [" \n ", "é".repeat(8193)]) {
      chat.draft.value = text;
      chat.sayDraft();
      expect([chat.draft.value, chat.waiting.value.length]).toEqual([text, 0]);
    }
  });

  it("loses and doubles nothing when the engine is killed and the page reloaded meanwhile", async () => {
    const tab = browser();
    const before = open(tab);
    before.say("before");
    await saysExactly(before, "before");
    await engine.kill();
    await eventually("the loss to be noticed", () => before.reach.value === "offline");
    before.say("one");
    before.say("two");
    before.draft.value = "half a thou";
    before.close();
    const after = open(tab);
    expect(after.waiting.value.map(({ text, state }) => [text, state])).toEqual([
      ["one", "sending"],
      ["two", "sending"],
    ]);
    expect(after.draft.value).toBe("half a thou");
    await engine.serve();
    after.retryNow();
    await saysExactly(after, "before", "one", "two");
  });

  it("shows in every tab what is written in one, and says it once", async () => {
    const shelves = browser();
    const one = open(shelves);
    await sessionOf(one);
    const other = open(shelves.tab());
    one.say("hello");
    await saysExactly(one, "hello");
    await saysExactly(other, "hello");
  });

  it("is one visitor's in two tabs that are opened at the same time", async () => {
    const shelves = browser();
    const tabs = [open(shelves), open(shelves.tab())] as const;
    tabs[0].say("from one");
    tabs[1].say("from the other");
    await eventually("both in both", () => tabs.every((tab) => (said(tab) || []).length === 2));
    expect(tabs[0].session).toBe(tabs[1].session);
    expect(tabs.map((tab) => tab.reach.value)).toEqual(["online", "online"]);
  });

  it("sends what another tab left behind", async () => {
    const shelves = browser();
    const gone = open(shelves, { url: "ws://127.0.0.1:9/ws" });
    gone.say("left behind");
    gone.close();
    const [name = ""] = shelves.shared.names().filter((kept) => kept.startsWith("unsent:"));
    const kept = JSON.parse(shelves.shared.get(name) ?? "");
    shelves.shared.set(name, JSON.stringify({ ...kept, time: kept.time - 60_000 }));
    const other = open(shelves.tab());
    expect(other.leftBehind).toBe(true);
    await saysExactly(other, "left behind");
  });

  it("asks the visitor about a message that may have been said in an earlier session", async () => {
    const tab = browser();
    const unsent = { key: "k", text: "said?", time: 1, tab: "x", state: "sending", session: "old" };
    tab.shared.set("unsent:k", JSON.stringify(unsent));
    const chat = open(tab);
    await eventually("the question", () => chat.waiting.value[0]?.state === "failed");
    chat.tryAgain({ key: "k", text: "said?" });
    await saysExactly(chat, "said?");
  });

  it("tells who answers: a human from the take-over to the release, by their latest name", async () => {
    const chat = open(browser());
    const session = await sessionOf(chat);
    chat.requestHuman();
    await eventually("waiting", () => chat.conversation.value.waiting);
    const ann = await operator("ann", "Ann");
    await ann.takeOver(session);
    await eventually("Ann", () => chat.conversation.value.operator === "Ann");
    expect(chat.conversation.value.waiting).toBe(false);
    await ann.say(session, "hello", {});
    ann.typing(session);
    await eventually("typing", () => chat.typing.value);
    await ann.say(session, "there", {});
    await eventually("typed", () => !chat.typing.value);
    await ann.release(session);
    await eventually("the bot", () => chat.conversation.value.operator === undefined);
    const notices = chat.conversation.value.entries.filter(
      (entry) => entry.kind === "told" && entry.what === "control_changed",
    );
    expect(notices).toMatchObject([
      { notice: "Ann has joined the conversation." },
      { notice: "Our assistant answers you again." },
    ]);
  });

  it("offers the bot's choices until the visitor says something", async () => {
    const bot = await serveBot(engine);
    bot.serve({ turn: (_, reply) => void reply.answer("Yes?", [{ label: "Go on" }]) });
    await bot.ready();
    const chat = open(browser());
    chat.say("hello");
    await saysExactly(chat, "hello", "Yes?");
    const last = chat.conversation.value.entries.at(-1);
    expect(last).toMatchObject({ from: "bot", choices: [{ label: "Go on" }] });
    expect(chat.conversation.value.botAnswers).toBe(false);
    bot.close();
  });

  it("counts as unread what came while nobody read, until a tab has shown it", async () => {
    const tab = browser();
    const chat = open(tab);
    const session = await sessionOf(chat);
    const ann = await operator("ann");
    await ann.takeOver(session);
    await ann.say(session, "one", {});
    await ann.say(session, "two", {});
    await eventually("two unread", () => chat.unread.value === 2);
    chat.reading.value = true;
    expect(chat.unread.value).toBe(0);
    await eventually("all of it read", () => chat.conversation.value.entries.length === 3);
    chat.reading.value = false;
    await ann.say(session, "three", {});
    await eventually("one unread", () => chat.unread.value === 1);
    const reloaded = open(tab);
    await eventually("one unread after a reload", () => reloaded.unread.value === 1);
  });

  it("is ended, rated, and followed by a new one", async () => {
    const chat = open(browser());
    chat.say("hello");
    await saysExactly(chat, "hello");
    const session = await sessionOf(chat);
    chat.end();
    await eventually("the end", () => chat.conversation.value.closed);
    expect(await chat.rate(5, " fine ")).toBe(true);
    await eventually("the rating", () => chat.conversation.value.rated);
    chat.startAnew();
    await eventually("a new session", () => chat.session !== session);
    await eventually("an empty one", () => chat.conversation.value.entries.length === 0);
    expect(chat.conversation.value.closed).toBeUndefined();
    chat.say("again");
    await saysExactly(chat, "again");
  });

  it("keeps an ended conversation on show until the visitor leaves it, also over a loss", async () => {
    const chat = open(browser());
    chat.say("hello");
    await saysExactly(chat, "hello");
    const session = await sessionOf(chat);
    chat.end();
    await eventually("the end", () => chat.conversation.value.closed);
    await engine.kill();
    await engine.serve();
    chat.retryNow();
    await eventually("a session behind it", () => chat.outlived.value);
    expect(chat.session).not.toBe(session);
    expect(said(chat)).toEqual(["hello"]);
    chat.startAnew();
    expect(said(chat)).toEqual([]);
  });

  it("is made anew from a log that lost its end, and what may be lost with it is said again", async () => {
    const network = new TestNetwork();
    const chat = open(browser(), { transport: network.transport });
    const control = { epoch: 1, holder: { kind: "bot" }, since: 0 } as const;
    const accept = async (generation: number): Promise<TestLink> => {
      await eventually("an attempt", () => !network.links.at(-1)?.closed);
      const who = { visitor: "v", session: "s1", resume: "r", offset: 0, control } as const;
      network.link.accept().answer("connect", {
        protocol: 1,
        features: [],
        server: "test",
        time: 0,
        heartbeat: 25_000,
        generation,
        identity: { role: "visitor", site: "shop", ...who },
      });
      return network.link;
    };
    const tell = (link: TestLink, prev: number, offset: number, text: string, key?: string) => {
      const body = { type: "message", text, epoch: 1, ...(key && { key }) } as const;
      const author = key ? ({ kind: "visitor" } as const) : ({ kind: "bot", name: "Bo" } as const);
      link.push("event", { session: "s1", prev, offset, time: offset, author, body });
    };
    await settled();
    const link = await accept(1);
    link.answer("subscribe", { session: "s1", offset: 3, control });
    tell(link, 0, 2, "Hello, what is it?");
    tell(link, 2, 3, "This will be lost.");
    chat.say("acknowledged");
    await eventually("the message to leave", () => link.requests("send").length === 1);
    link.answer("send", { offset: 4, epoch: 1 });
    chat.say("on its way");
    await eventually("the next one to leave", () => link.requests("send").length === 2);
    chat.type("half a thou");
    link.drop(4009, "resync");
    chat.retryNow();
    const next = await accept(2);
    expect(next.requests("subscribe")[0]?.params).toEqual({ session: "s1", offset: 0 });
    expect(chat.conversation.value.entries).toEqual([]);
    next.answer("subscribe", { session: "s1", offset: 2, control });
    tell(next, 0, 2, "Hello, what is it?");
    for (const [at, offset] of [3, 4].entries()) {
      await eventually("one to come again", () => next.requests("send").length === at + 1);
      const latest = next.requests("send").at(-1)?.params;
      next.answer("send", { offset, epoch: 1 });
      tell(next, offset - 1, offset, latest?.text ?? "", latest?.key);
    }
    await eventually("all of it", () => chat.waiting.value.length === 0);
    const keys = (at: TestLink) => at.requests("send").map(({ params }) => params.key);
    expect(keys(next).sort()).toEqual(keys(link).sort());
    const texts = said(chat) || [];
    expect([...texts].sort()).toEqual(["Hello, what is it?", "acknowledged", "on its way"]);
    expect(chat.draft.value).toBe("half a thou");
  });

  it("begins anew as another visitor when its token is no longer known", async () => {
    const tab = browser();
    tab.shared.set("resume", "no.such.token");
    const chat = open(tab);
    chat.say("hello");
    await saysExactly(chat, "hello");
    expect(tab.shared.get("resume")).not.toBe("no.such.token");
  });

  it("says that it cannot be used where the site does not exist", async () => {
    const chat = open(browser(), { site: "nosuch" });
    await eventually("the refusal", () => chat.reach.value === "refused");
  });

  it("reports pages and data to operators", async () => {
    const chat = open(browser(), { data: { plan: "free" } });
    const session = await sessionOf(chat);
    const ann = await operator("ann");
    const seen: unknown[] = [];
    ann.follow(session, {
      event({ body }) {
        if (body.type === "page_viewed") {
          seen.push(body.page.url);
        } else if (body.type === "data_changed") {
          seen.push(body.data);
        }
      },
    });
    chat.viewPage({ url: "http://shop.example/shoes", title: "Shoes" });
    chat.setData({ plan: "gold" });
    await eventually("both", () => seen.length >= 2 && seen.some((one) => typeof one === "string"));
    await eventually("the latest data", () => JSON.stringify(seen).includes("gold"));
    expect(seen).toContain("http://shop.example/shoes");
  });
});
