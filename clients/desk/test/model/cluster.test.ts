// A site's desk when its engine is one of a cluster, on a network that the test plays.

import { type Card, type EventPush, messagePack } from "@vigie/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../../sdk/test/engine.ts";
import { type TestLink, TestNetwork } from "../../../sdk/test/fakes.ts";
import { Ringer } from "../../src/model/notifications.ts";
import { openPreferences } from "../../src/model/preferences.ts";
import { ConnectedSite } from "../../src/model/site.ts";
import { card } from "./fixtures.ts";
import { MemoryStorage, testPorts, texts } from "./support.ts";

const mine = { epoch: 2, holder: { kind: "operator", id: "ann", name: "Ann" }, since: 0 } as const;
const totals = { all: 1, waiting: 0, bot: 0, mine: 1, others: 0, matching: 1 };

let network: TestNetwork;
let site: ConnectedSite;

beforeEach(() => {
  network = new TestNetwork(messagePack);
  const { ports } = testPorts({ transport: network.transport });
  const { preferences } = openPreferences(new MemoryStorage());
  const role = { rank: "agent", display_name: "Ann", language: "en" } as const;
  site = new ConnectedSite(
    { site: "shop", key: "pk", name: "Shop", ...role },
    {
      ports,
      preferences,
      ringer: new Ringer(ports, preferences.notify),
      account: "1",
      shown: preferences.panel,
      token: async () => "token",
      rename: async (name) => name,
      show: () => {},
    },
  );
  site.connect();
});

afterEach(() => site.stop());

/** The next connection, to a log of this generation; the list holds one card. */
async function accept(generation: number, only: Card): Promise<TestLink> {
  await eventually("an attempt", () => network.links.at(-1)?.closed === false);
  const { link } = network;
  const who = { site: "shop", id: "ann", name: "Ann", rank: "agent" } as const;
  link.accept().answer("connect", {
    protocol: 1,
    features: [],
    server: "test",
    time: Date.now(),
    heartbeat: 25_000,
    generation,
    identity: { role: "operator", ...who, expires: Date.now() + 900_000 },
  });
  link.answer("watch", { revision: 1, cards: [only], totals });
  return link;
}

const said = (prev: number, offset: number, text: string, key?: string): EventPush => ({
  session: "s1",
  prev,
  offset,
  time: offset,
  author: key ? { kind: "operator", id: "ann", name: "Ann" } : { kind: "visitor" },
  body: { type: "message", text, epoch: 2, ...(key && { key }) },
});

/** Ann is in control of a session in which four things were said. */
async function opened() {
  const link = await accept(1, card("s1", { offset: 5, asked: 4, control: mine }));
  await eventually("the list", () => site.list.find("s1"));
  const one = site.open("s1");
  link.answer("subscribe", { session: "s1", offset: 5, control: mine });
  for (const offset of [2, 3, 4, 5]) {
    link.push("event", said(offset === 2 ? 0 : offset - 1, offset, `${offset}`));
  }
  await eventually("the thread", () => texts(one).length === 4);
  return { link, one };
}

describe("after the log has lost its end", () => {
  it("list and thread are made anew, and nothing that was composed is lost", async () => {
    const { link, one } = await opened();
    one.text.value = "acknowledged";
    await one.send();
    expect(link.requests("send").at(-1)?.params).toMatchObject({ seen: 5 });
    link.answer("send", { offset: 6, epoch: 2 });
    one.text.value = "on its way";
    await one.send();
    await eventually("the second to leave", () => link.requests("send").length === 2);
    one.text.value = "half a thou";
    link.drop(4009, "resync");
    site.retryNow();

    const next = await accept(2, card("s1", { offset: 3, asked: 2, control: mine }));
    expect(site.lost.value).toBe(true);
    expect([texts(one), one.loading.value, one.text.value]).toEqual([[], true, "half a thou"]);
    expect(next.requests("subscribe").at(-1)?.params).toEqual({ session: "s1", offset: 0 });
    await eventually("the card of now", () => site.list.find("s1")?.offset === 3);
    next.answer("subscribe", { session: "s1", offset: 3, control: mine });
    next.push("event", said(0, 2, "2"));
    next.push("event", said(2, 3, "3"));
    await eventually("the thread of now", () => texts(one).join() === "2,3");
    expect([one.loading.value, one.mine.value]).toEqual([false, true]);

    const keys = link.requests("send").map(({ params }) => params.key);
    for (const [at, offset] of [4, 5].entries()) {
      await eventually("one to be said again", () => next.requests("send").length === at + 1);
      const { key = "", text = "", seen } = next.requests("send").at(-1)?.params ?? {};
      expect(keys).toContain(key);
      expect(seen).toBe(0);
      next.answer("send", { offset, epoch: 2 });
      next.push("event", said(offset - 1, offset, text, key));
    }
    await eventually("both to be there", () => one.pending.value.length === 0);
    expect(texts(one).slice(2).sort()).toEqual(["acknowledged", "on its way"]);
    expect(one.text.value).toBe("half a thou");
    site.dismissLost();
    expect(site.lost.value).toBe(false);
  });

  it("what was unread stays so, and what is said from then on is counted", async () => {
    const { link, one } = await opened();
    await eventually("what was said so far to be counted", () => one.unread.value === 0);
    link.push("event", said(5, 6, "unread"));
    await eventually("one unread", () => one.unread.value === 1);
    link.drop(4009, "resync");
    site.retryNow();
    const next = await accept(2, card("s1", { offset: 3, asked: 2, control: mine }));
    expect(one.unread.value).toBe(1);
    next.answer("subscribe", { session: "s1", offset: 3, control: mine });
    next.push("event", said(0, 2, "2"));
    next.push("event", said(2, 3, "3"));
    next.push("event", said(3, 4, "new"));
    await eventually("two unread", () => one.unread.value === 2);
  });

  it("a connection of a later sign-in knows that what is shown is of another log", async () => {
    const { one } = await opened();
    site.disconnect();
    site.connect();
    const same = await accept(1, card("s1", { offset: 5, asked: 4, control: mine }));
    expect(same.requests("subscribe").at(-1)?.params.offset).toBe(5);
    site.disconnect();
    site.connect();
    const next = await accept(2, card("s1", { offset: 3, asked: 2, control: mine }));
    expect(next.requests("subscribe").at(-1)?.params.offset).toBe(0);
    expect(texts(one)).toEqual([]);
  });
});

it("tells that the engine is degraded until it is well, or another connection stands", async () => {
  const only = card("s1", { offset: 5, control: mine });
  const link = await accept(1, only);
  expect(site.degraded.value).toBe(false);
  link.push("status", { degraded: true });
  expect(site.degraded.value).toBe(true);
  link.push("status", { degraded: false });
  expect(site.degraded.value).toBe(false);
  link.push("status", { degraded: true });
  link.drop();
  expect(site.degraded.value).toBe(false);
  site.retryNow();
  const next = await accept(1, only);
  expect(site.degraded.value).toBe(false);
  next.push("status", { degraded: true });
  site.disconnect();
  expect(site.degraded.value).toBe(false);
});
