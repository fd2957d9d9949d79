// Stories of the desk at a real engine: conversations, races, losses.

import { connectBot, type Turn, type TurnReply, webSocket } from "@vigie/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { Engine, eventually } from "../../../sdk/test/engine.ts";
import { SEARCH_PAUSE_MS } from "../../src/model/bounds.ts";
import type { Ports } from "../../src/model/types.ts";
import { Desktop, hire, MemoryStorage, texts, visit } from "./support.ts";

let engine: Engine;
const ends: (() => void)[] = [];

beforeEach(async () => {
  // Long enough to sign in again and for an engine to start, and less than what waits is patient for.
  engine = await Engine.start({
    VIGIE__PRESENCE__OPERATOR_GRACE_MS: "10000",
  });
  await hire(engine, { bea: "agent", sam: "supervisor" });
});

afterEach(async () => {
  for (const end of ends.splice(0)) {
    end();
  }
  await engine.dispose();
});

async function operator(login: string, more: Partial<Ports> = {}, jar?: { cookie: string }) {
  const one = new Desktop(engine, more, jar);
  ends.push(() => one.desk.stop());
  return one.signIn(login);
}

async function visitor(say?: string) {
  const one = visit(engine, { page: { url: "http://shop.example/shoes", title: "Shoes" } });
  ends.push(() => one.close());
  await one.ready();
  if (say !== undefined) {
    await one.say(say);
  }
  return { client: one, session: one.session ?? "" };
}

async function bot(turn: (turn: Turn, reply: TurnReply) => void | Promise<void>) {
  const token = await engine.token("bot", "robo");
  const one = connectBot({ url: engine.ws, token, transport: webSocket({ WebSocket }) });
  ends.push(() => one.close());
  one.serve({ turn });
  await one.ready();
}

describe("a conversation", () => {
  it("is observed, taken over, answered and handed back", async () => {
    await bot((turn, reply) => reply.answer(`You said: ${lastText(turn)}`).then(() => {}));
    const ann = await operator("ann");
    const { client, session } = await visitor("Do you ship to Riga?");
    await eventually("the card", () => ann.site.list.find(session)?.messages === 2);
    const one = await ann.open(session);
    expect(texts(one)).toEqual(["Do you ship to Riga?", "You said: Do you ship to Riga?"]);
    expect(one.mine.value).toBe(false);
    await one.takeOver();
    await eventually("control", () => one.mine.value);
    one.text.value = "Yes, in two days.";
    await one.send();
    expect(one.text.value).toBe("");
    expect(one.pending.value.map(({ state }) => state)).toEqual(["sending"]);
    await eventually("the reply", () => texts(one).length === 3);
    expect(one.pending.value).toEqual([]);
    expect(one.items.value.at(-1)).toMatchObject({ kind: "message", mine: true });
    one.noteMode.value = true;
    one.text.value = "Asked for Riga twice this week.";
    await one.send();
    await eventually("the note", () => one.items.value.some(({ kind }) => kind === "note"));
    expect(one.pending.value).toEqual([]);
    await one.release();
    await eventually("the bot", () => !one.mine.value);
    await client.say("Thanks!");
    await eventually("the bot's answer", () => texts(one).at(-1) === "You said: Thanks!");
    const offsets = one.items.value.map(({ offset }) => offset);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(new Set(offsets).size).toBe(offsets.length);
  });

  it("shows who is typing what, and the bot's draft, until it is said", async () => {
    const go = { on: (): void => {} };
    const asked = new Promise<void>((resolve) => {
      go.on = resolve;
    });
    await bot(async (_, reply) => {
      reply.draft("Two to");
      await asked;
      await reply.answer("Two to four days.");
    });
    const ann = await operator("ann");
    const { client, session } = await visitor();
    const one = await ann.open(session);
    client.typing("How long is");
    await eventually("what they type", () => one.visitorTyping.value === "How long is");
    client.typing("");
    await eventually("them to stop", () => one.visitorTyping.value === null);
    client.typing("How long is shipping?");
    await eventually("more", () => one.visitorTyping.value === "How long is shipping?");
    await client.say("How long is shipping?");
    await eventually("the message", () => texts(one).length === 1);
    expect(one.visitorTyping.value).toBeNull();
    await eventually("the draft", () => one.botDraft.value === "Two to");
    go.on();
    await eventually("the answer", () => texts(one).length === 2);
    expect(one.botDraft.value).toBeNull();
  });

  it("tells of the visitor: pages, data, visits before, rating", async () => {
    const ann = await operator("ann");
    const first = await visitor("My first question");
    await first.client.endSession();
    await first.client.rate(4, "quick");
    await first.client.say("And another");
    await eventually("a new session", () => first.client.session !== first.session);
    const session = first.client.session ?? "";
    await first.client.setData({ plan: "gold" });
    await first.client.viewPage({ url: "http://shop.example/boots" });
    const one = await ann.open(session);
    await eventually("the page", () => one.profile.value.navigation.pages.length === 2);
    expect(one.profile.value).toMatchObject({
      data: { plan: "gold" },
      navigation: { visits: 2, current: { url: "http://shop.example/boots" } },
      provenance: { kind: "direct" },
    });
    await one.past.load();
    expect(one.past.sessions.value).toMatchObject([
      { session: first.session, ordinal: 1, messages: 1, rating: { score: 4, comment: "quick" } },
    ]);
    expect(one.past.more.value).toBe(false);
    const thread = await one.past.thread(first.session);
    expect(thread.map(({ kind }) => kind)).toEqual(["started", "message", "closed", "rated"]);
  });

  it("that is closed says so, and refuses what is said all the same", async () => {
    const ann = await operator("ann");
    const { session } = await visitor("Hello");
    const one = await ann.open(session);
    await one.takeOver();
    await one.closeSession();
    await eventually("the end", () => one.closed.value);
    one.text.value = "Too late";
    await one.send();
    await eventually("the refusal", () => one.pending.value[0]?.state === "failed");
    expect(one.pending.value[0]?.refusal).toEqual({ action: "send", kind: "closed" });
    one.discard(one.pending.value[0]?.key ?? "");
    expect(one.text.value).toBe("Too late");
    expect(one.pending.value).toEqual([]);
  });
});

describe("two desks", () => {
  it("race for a session: one gets it, the other is told who and since when", async () => {
    const [ann, bea] = [await operator("ann"), await operator("bea")];
    const { session } = await visitor("Anybody?");
    const [a, b] = [await ann.open(session), await bea.open(session)];
    await Promise.all([a.takeOver(), b.takeOver()]);
    await eventually("a winner", () => a.mine.value !== b.mine.value);
    const [loser, winner] = a.mine.value ? [b, "Ann"] : [a, "Bea"];
    expect(loser.refusal.value).toMatchObject({
      action: "take-over",
      kind: "held",
      holder: { kind: "operator", name: winner },
    });
    const { refusal } = loser;
    expect(refusal.value?.kind === "held" && refusal.value.since).toBe(loser.control.value?.since);
    loser.dismiss();
    expect(loser.refusal.value).toBeNull();
  });

  it("hand over, force and revoke, by rank", async () => {
    const [bea, sam] = [await operator("bea"), await operator("sam")];
    const { session } = await visitor("Hello");
    const [b, s] = [await bea.open(session), await sam.open(session)];
    await s.takeOver();
    await b.takeOver({ force: true, reason: "mine" });
    expect(b.refusal.value).toEqual({ action: "take-over", kind: "forbidden" });
    await b.revoke("please");
    expect(b.refusal.value).toEqual({ action: "revoke", kind: "forbidden" });
    await b.release();
    expect(b.refusal.value).toMatchObject({ kind: "not-in-control", holder: { name: "Sam" } });
    await s.transfer(bea.site.operator.value ?? "", "you know shoes");
    await eventually("the transfer", () => b.mine.value);
    await s.takeOver({ force: true, reason: "complaint" });
    await eventually("the force", () => s.mine.value && !b.mine.value);
    await bea.site.setIntent("away");
    await s.transfer(bea.site.operator.value ?? "");
    expect(s.refusal.value).toEqual({ action: "transfer", kind: "unavailable" });
    await s.revoke("back to the bot");
    await eventually("the bot", () => s.control.value?.holder.kind === "bot");
    expect(s.items.value.flatMap((item) => (item.kind === "control" ? [item.cause] : []))).toEqual([
      "take_over",
      "transfer",
      "forced",
      "revoke",
    ]);
  });

  it("one that closes for good loses its sessions to the bot after the grace", async () => {
    const [ann, bea] = [await operator("ann"), await operator("bea")];
    const { session } = await visitor("Hello");
    const one = await ann.open(session);
    await one.takeOver();
    const other = await bea.open(session);
    await eventually("her control", () => other.control.value?.holder.kind === "operator");
    ann.desk.stop();
    await eventually("the lease to end", () => other.control.value?.holder.kind === "bot");
    expect(other.items.value.at(-1)).toMatchObject({ kind: "control", cause: "lease_expired" });
  });

  it("one that is reloaded within the grace is still in control, with its tabs and its draft", async () => {
    const tab = new MemoryStorage();
    const ann = await operator("ann", { tab });
    const { session } = await visitor("Hello");
    const one = await ann.open(session);
    await one.takeOver();
    one.text.value = "half a sent";
    ann.desk.stop();
    const again = await operator("ann", { tab }, ann.jar);
    const restored = again.active;
    expect(restored.session).toBe(session);
    expect(restored.text.value).toBe("half a sent");
    await eventually("her control", () => restored.mine.value);
    expect(restored.control.value?.epoch).toBe(2);
  });
});

describe("a reply", () => {
  it("that did not see what the visitor said meanwhile waits to be confirmed", async () => {
    const frames: (() => void)[] = [];
    const ann = await operator("ann");
    const { client, session } = await visitor("Cancel my order");
    const one = await ann.open(session);
    await one.takeOver();
    await eventually("control", () => one.mine.value);
    // The screen stands still: what comes is not shown, as in a tab that is being scrolled.
    const { clock } = ann.test.ports;
    const frame = clock.frame;
    Object.assign(clock, { frame: (run: () => void) => frames.push(run) && (() => {}) });
    try {
      await client.say("No, wait!");
      one.text.value = "Cancelled.";
      await one.send();
      await eventually("the guard", () => one.unseen.value !== null);
    } finally {
      Object.assign(clock, { frame });
    }
    expect(one.unseen.value).toMatchObject({ count: 1 });
    expect(one.pending.value).toMatchObject([{ state: "unseen", text: "Cancelled." }]);
    const key = one.pending.value[0]?.key;
    for (const run of frames) {
      run();
    }
    expect(texts(one)).toEqual(["Cancel my order", "No, wait!"]);
    await one.send({ confirm: true });
    await eventually("the reply", () => texts(one).length === 3);
    expect(one.unseen.value).toBeNull();
    expect(one.pending.value).toEqual([]);
    expect(one.items.value.at(-1)).toMatchObject({ key, text: "Cancelled." });
  });

  it("without control fails, and is said under its key after a take-over", async () => {
    const ann = await operator("ann");
    const { session } = await visitor("Hello");
    const one = await ann.open(session);
    one.text.value = "Hi, this is Ann.";
    await one.send();
    await eventually("the refusal", () => one.pending.value[0]?.state === "failed");
    const { key = "", refusal } = one.pending.value[0] ?? {};
    expect(refusal).toMatchObject({ kind: "not-in-control", holder: { kind: "bot" } });
    await one.takeOver();
    one.retry(key);
    await eventually("the reply", () => texts(one).length === 2);
    expect(one.items.value.at(-1)).toMatchObject({ key });
    expect(one.pending.value).toEqual([]);
  });

  it("that is too long is refused before it leaves the composer", async () => {
    const ann = await operator("ann");
    const { session } = await visitor("Hello");
    const one = await ann.open(session);
    one.text.value = "ā".repeat(8_193);
    await one.send();
    expect(one.refusal.value).toEqual({
      action: "send",
      kind: "too-long",
      bytes: 16_386,
      max: 16_384,
    });
    expect(one.text.value).toHaveLength(8_193);
    expect(one.pending.value).toEqual([]);
  });
});

describe("an engine that dies in mid-conversation", () => {
  it("loses and doubles nothing of what is said while it is gone", async () => {
    const ann = await operator("ann");
    const { client, session } = await visitor("One");
    const one = await ann.open(session);
    await one.takeOver();
    one.text.value = "Two";
    await one.send();
    await eventually("the reply", () => texts(one).length === 2);
    await engine.kill();
    await eventually("the loss", () => ann.site.connection.value.kind !== "online");
    one.text.value = "Three";
    await one.send();
    one.text.value = "Four";
    await one.send();
    expect(one.pending.value.map(({ state }) => state)).toEqual(["sending", "sending"]);
    await one.release();
    expect(one.refusal.value).toEqual({ action: "release", kind: "offline" });
    await engine.serve();
    ann.site.retryNow();
    client.retryNow();
    await eventually("all of it", () => texts(one).length === 4);
    await client.say("Five");
    await eventually("the visitor", () => texts(one).length === 5);
    expect(texts(one)).toEqual(["One", "Two", "Three", "Four", "Five"]);
    expect(one.pending.value).toEqual([]);
    expect(one.mine.value).toBe(true);
  });

  it("and a desk that is reloaded meanwhile says what waited, once", async () => {
    const tab = new MemoryStorage();
    const ann = await operator("ann", { tab });
    const { client, session } = await visitor("One");
    const one = await ann.open(session);
    await one.takeOver();
    await eventually("control", () => one.mine.value);
    ann.site.close(session);
    const hidden = await ann.open(session);
    await engine.kill();
    hidden.text.value = "Two";
    await hidden.send();
    ann.site.close(session);
    ann.desk.stop();
    await engine.serve();
    const again = await operator("ann", { tab }, ann.jar);
    client.retryNow();
    const restored = await again.open(session);
    await eventually("what waited", () => texts(restored).length === 2);
    expect(texts(restored)).toEqual(["One", "Two"]);
    await eventually("nothing to wait", () => restored.pending.value.length === 0);
    expect([...tab.kept.keys()].filter((key) => key.includes(`draft.`))).toEqual([]);
  });
});

describe("notifications", () => {
  it("ring by the choice, and stop everywhere when somebody takes the conversation", async () => {
    const [ann, bea] = [await operator("ann"), await operator("bea")];
    ann.desk.preferences.notify.value = "all";
    bea.desk.preferences.notify.value = "none";
    const { client, session } = await visitor("Hello");
    await eventually("the first", () => ann.test.sounds.length === 1);
    await client.requestHuman();
    await eventually("that they wait", () => ann.desk.notifications.ringing.value === 1);
    expect(ann.desk.title.value).toMatch(/^\(1\) /);
    const b = await bea.open(session);
    await b.takeOver();
    await eventually("quiet", () => ann.desk.notifications.ringing.value === 0);
    await eventually("nothing unread", () => !ann.desk.title.value.startsWith("("));
    await client.say("To Bea only");
    await eventually("her message", () => texts(b).length === 2);
    expect(ann.test.sounds.map(({ kind }) => kind)).not.toContain("message");
    expect(bea.test.sounds).toEqual([]);
  });

  it("of a conversation that is looked at count nothing as unread", async () => {
    const ann = await operator("ann");
    const { client, session } = await visitor("Hello");
    const one = await ann.open(session);
    one.look(true);
    await eventually("it to be read", () => ann.site.unread.value === 0);
    ann.test.visible.value = false;
    await client.say("Still there?");
    await eventually("the count", () => one.unread.value === 1);
    expect(ann.site.list.unread(session)).toBe(1);
    ann.test.visible.value = true;
    expect(one.unread.value).toBe(0);
  });
});

describe("the live list", () => {
  it("follows who comes, is searched and filtered, and shows who has whom", async () => {
    const ann = await operator("ann");
    const people = await Promise.all(
      Array.from({ length: 12 }, (_, index) => visitor(index === 7 ? "a unicorn" : "a horse")),
    );
    const { list } = ann.site;
    await eventually("all of them", () => list.size.value === 12);
    list.search.value = "unicorn";
    await eventually("the one", () => list.size.value === 1);
    expect(list.card(0)?.session).toBe(people[7]?.session);
    expect(SEARCH_PAUSE_MS).toBeLessThan(1_000);
    list.search.value = "";
    await eventually("all of them again", () => list.size.value === 12);
    const one = await ann.open(people[3]?.session ?? "");
    await one.takeOver();
    list.show.value = "mine";
    await eventually("hers", () => list.size.value === 1 && !list.loading.value);
    expect(list.card(0)?.session).toBe(people[3]?.session);
    expect(list.totals.value).toMatchObject({ all: 12, mine: 1, bot: 11 });
    list.show.value = "bot";
    await eventually("the bot's", () => list.size.value === 11);
    people[0]?.client.close();
    await people[0]?.client.endSession().catch(() => {});
    await people[1]?.client.endSession();
    await eventually("one less", () => list.size.value <= 10);
  });

  it("keeps the card of an open conversation current though the list shows others", async () => {
    const ann = await operator("ann");
    const { client, session } = await visitor("Hello");
    const one = await ann.open(session);
    ann.site.list.show.value = "mine";
    await eventually(
      "nobody",
      () => ann.site.list.size.value === 0 && !ann.site.list.loading.value,
    );
    await client.say("More");
    await eventually("the card", () => one.card.value?.messages === 2);
    expect(one.card.value).toMatchObject({ asked: 2, last: { text: "More" } });
  });
});

function lastText(turn: Turn): string {
  const { body } = turn.messages.at(-1) ?? {};
  return body?.type === "message" ? body.text : "";
}
