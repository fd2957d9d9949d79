// Clients on a network that the test plays: what the engine cannot be made to do at will.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Card,
  type ClientOptions,
  type Connected,
  type Control,
  connectBot,
  connectOperator,
  connectVisitor,
  type EventPush,
  FOLLOWS_MAX,
  type Identity,
  json,
  type LiveView,
  type Totals,
  type Turn,
  type TurnReply,
  VigieError,
} from "../src/index.ts";
import { FakeClock, settled, type TestLink, TestNetwork } from "./fakes.ts";
import { Notes } from "./people.ts";

const CONTROL: Control = { epoch: 1, holder: { kind: "bot" }, since: 0 };
const TOTALS: Totals = { all: 0, waiting: 0, bot: 0, mine: 0, others: 0, matching: 0 };

let network: TestNetwork;
let clock: FakeClock;
let options: ClientOptions;

beforeEach(() => {
  network = new TestNetwork();
  clock = new FakeClock();
  options = { url: "ws://engine/ws", codec: json, transport: network.transport, clock };
});

async function accept(identity: Identity, generation?: number): Promise<TestLink> {
  await settled();
  const connected: Connected = {
    protocol: 1,
    features: [],
    server: "test",
    time: clock.now(),
    heartbeat: 25_000,
    ...(generation === undefined ? {} : { generation }),
    identity,
  };
  network.link.accept().answer("connect", connected);
  return network.link;
}

/** The connection is lost; the next one is there when the wait is over. */
async function reconnect(identity: Identity, generation?: number): Promise<TestLink> {
  const links = network.links.length;
  network.link.drop();
  while (network.links.length === links) {
    clock.pass(50);
  }
  return accept(identity, generation);
}

const visitor = (session = "s1"): Identity => ({
  role: "visitor",
  site: "shop",
  visitor: "v",
  session,
  resume: `resume ${session}`,
  offset: 0,
  control: CONTROL,
});

const operator = (): Identity => ({
  role: "operator",
  site: "shop",
  id: "ann",
  name: "Ann",
  rank: "agent",
  expires: clock.now() + 900_000,
});

const robot = (): Identity => ({
  role: "bot",
  site: "shop",
  id: "robo",
  name: "Robo",
  expires: clock.now() + 900_000,
});

const message = (session: string, prev: number, offset: number, text = `${offset}`): EventPush => ({
  session,
  prev,
  offset,
  time: offset,
  author: { kind: "visitor" },
  body: { type: "message", text, epoch: 1 },
});

describe("following", () => {
  it("goes on from the last event over a reconnect, without loss or repeat", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const notes = new Notes();
    const following = client.follow(notes.handlers);
    const link = await accept(visitor());
    expect(link.requests("subscribe")[0]?.params).toEqual({ session: "s1", offset: 0 });
    link.answer("subscribe", { session: "s1", offset: 4, control: CONTROL });
    link.push("event", message("s1", 0, 2));
    expect(notes.caughtUp).toBe(0);
    link.push("event", message("s1", 2, 4));
    expect(notes.caughtUp).toBe(1);

    const next = await reconnect(visitor());
    expect(next.requests("subscribe")[0]?.params).toEqual({ session: "s1", offset: 4 });
    next.answer("subscribe", { session: "s1", offset: 4, control: CONTROL });
    next.push("event", message("s1", 2, 4));
    next.push("event", message("s1", 4, 5));
    expect(notes.texts).toEqual(["2", "4", "5"]);
    expect(following.offset).toBe(5);
    expect(following.session).toBe("s1");
    expect(notes.resets).toBe(0);
  });

  it("asks again for what is missing, and connects anew if that does not help", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const notes = new Notes();
    client.follow(notes.handlers);
    const link = await accept(visitor());
    for (let repair = 0; repair < 6; repair += 1) {
      link.answer("subscribe", { session: "s1", offset: 9, control: CONTROL });
      expect(link.requests("subscribe")).toHaveLength(repair + 1);
      link.push("event", message("s1", 8, 9));
    }
    expect(notes.texts).toEqual([]);
    expect(link.closed).toBe(true);
    const next = await accept(visitor());
    next.answer("subscribe", { session: "s1", offset: 9, control: CONTROL });
    next.push("event", message("s1", 0, 9));
    expect(notes.texts).toEqual(["9"]);
  });

  it("begins anew when the log is another one", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const notes = new Notes();
    client.follow(notes.handlers, 7);
    const link = await accept(visitor());
    expect(link.requests("subscribe")[0]?.params.offset).toBe(7);
    link.refuse("subscribe", { code: 1023, data: { head: 3 } });
    expect(notes.resets).toBe(1);
    expect(link.requests("subscribe")[1]?.params.offset).toBe(0);
    link.answer("subscribe", { session: "s1", offset: 3, control: CONTROL });
    link.push("event", message("s1", 0, 3));
    expect(notes.texts).toEqual(["3"]);
  });

  it("begins anew under another generation, and tells so before anything else", async () => {
    const client = connectOperator({ ...options, token: "t" });
    const story: string[] = [];
    client.on("resync", ({ generation }) => story.push(`resync ${generation}`));
    client.follow("s1", {
      event: (event) => story.push(`event ${event.offset}`),
      reset: () => story.push("reset"),
    });
    const link = await accept(operator(), 1);
    link.answer("subscribe", { session: "s1", offset: 4, control: CONTROL });
    link.push("event", message("s1", 0, 4));
    const same = await reconnect(operator(), 1);
    expect(same.requests("subscribe")[0]?.params.offset).toBe(4);
    const next = await reconnect(operator(), 2);
    expect(next.requests("subscribe")[0]?.params).toEqual({ session: "s1", offset: 0 });
    next.answer("subscribe", { session: "s1", offset: 2, control: CONTROL });
    next.push("event", message("s1", 0, 2));
    expect(story).toEqual(["event 4", "resync 2", "reset", "event 2"]);
    expect(client.generation).toBe(2);
  });

  it("a visitor's begins anew as well, in the same session or another one", async () => {
    for (const session of ["s1", "s2"]) {
      const client = connectVisitor({ ...options, site: "shop" });
      const notes = new Notes();
      client.follow(notes.handlers);
      const link = await accept(visitor("s1"), 1);
      link.answer("subscribe", { session: "s1", offset: 4, control: CONTROL });
      link.push("event", message("s1", 0, 4));
      const next = await reconnect(visitor(session), 2);
      expect(notes.resets).toBeGreaterThan(0);
      expect(next.requests("subscribe").map(({ params }) => params)).toEqual([
        { session, offset: 0 },
      ]);
      next.answer("subscribe", { session, offset: 2, control: CONTROL });
      next.push("event", message(session, 0, 2));
      expect(notes.texts).toEqual(["2"]);
      client.close();
    }
  });

  it("an offset of an earlier client is void under another generation than that had", async () => {
    const resyncs: unknown[] = [];
    for (const [generation, offset] of [
      [3, 9],
      [4, 0],
    ] as const) {
      const client = connectOperator({ ...options, token: "t", generation: 3 });
      client.on("resync", (resync) => resyncs.push(resync));
      const notes = new Notes();
      client.follow("s1", notes.handlers, 9);
      const link = await accept(operator(), generation);
      expect(link.requests("subscribe")[0]?.params).toEqual({ session: "s1", offset });
      expect(notes.resets).toBe(offset === 0 ? 1 : 0);
      client.close();
    }
    expect(resyncs).toEqual([{ generation: 4 }]);
  });

  it("a visitor's goes on in their next session", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const sessions: string[] = [];
    client.on("session", ({ session }) => sessions.push(session));
    const notes = new Notes();
    const following = client.follow(notes.handlers);
    const link = await accept(visitor("s1"));
    link.answer("subscribe", { session: "s1", offset: 0, control: CONTROL });
    link.push("event", message("s1", 0, 2));
    const next = await reconnect(visitor("s2"));
    expect(notes.resets).toBe(1);
    expect(next.requests("subscribe").map(({ params }) => params)).toEqual([
      { session: "s2", offset: 0 },
    ]);
    next.answer("subscribe", { session: "s2", offset: 0, control: CONTROL });
    next.push("event", message("s1", 2, 3, "of the old one"));
    next.push("event", message("s2", 0, 2, "of the new one"));
    expect(notes.texts).toEqual(["of the new one"]);
    expect(following.session).toBe("s2");
    expect(client.session).toBe("s2");
    expect(sessions).toEqual(["s1", "s2"]);
  });

  it("a position of another session than the visitor's is void", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const notes = new Notes();
    client.follow(notes.handlers, { session: "s0", offset: 12 });
    const link = await accept(visitor("s1"));
    expect(notes.resets).toBe(1);
    expect(link.requests("subscribe").map(({ params }) => params)).toEqual([
      { session: "s1", offset: 0 },
    ]);
  });

  it("two who follow one session are told each from where they are", async () => {
    const client = connectOperator({ ...options, token: "t" });
    const link = await accept(operator());
    const [early, late] = [new Notes(), new Notes()];
    const first = client.follow("s1", early.handlers);
    link.answer("subscribe", { session: "s1", offset: 3, control: CONTROL });
    link.push("event", message("s1", 0, 1));
    link.push("event", message("s1", 1, 3));
    const second = client.follow("s1", late.handlers, 1);
    expect(link.requests("subscribe")[1]?.params.offset).toBe(1);
    link.answer("subscribe", { session: "s1", offset: 3, control: CONTROL });
    link.push("event", message("s1", 1, 3));
    expect(early.texts).toEqual(["1", "3"]);
    expect(late.texts).toEqual(["3"]);
    first.stop();
    expect(link.requests("unsubscribe")).toHaveLength(0);
    link.push("event", message("s1", 3, 4));
    expect(early.texts).toEqual(["1", "3"]);
    expect(late.texts).toEqual(["3", "4"]);
    second.stop();
    second.stop();
    expect(link.requests("unsubscribe")).toHaveLength(1);
  });

  it("says why a session cannot be followed, and how many at most", async () => {
    const client = connectOperator({ ...options, token: "t" });
    const link = await accept(operator());
    let failure: VigieError | undefined;
    client.follow("gone", {
      event: () => {},
      failed: (error) => {
        failure = error;
      },
    });
    link.refuse("subscribe", { code: 1020 });
    expect(failure?.name).toBe("unknown_session");
    for (let count = 0; count < FOLLOWS_MAX; count += 1) {
      client.follow(`s${count}`, { event: () => {} });
    }
    expect(() => client.follow("more", { event: () => {} })).toThrow("256 sessions are followed");
  });

  it("nothing is told after a stop, also if it comes in the middle", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const told: string[] = [];
    const following = client.follow({
      event: () => {
        told.push("event");
        following.stop();
      },
      control: () => told.push("control"),
      caughtUp: () => told.push("caught up"),
    });
    const link = await accept(visitor());
    link.answer("subscribe", { session: "s1", offset: 2, control: CONTROL });
    link.push("event", message("s1", 0, 2));
    link.push("event", message("s1", 2, 3));
    expect(told).toEqual(["control", "event"]);
  });
});

describe("saying something", () => {
  it("is sent again under the same key and in order until it is acknowledged", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const said = [client.say("one"), client.say("two", { key: "mine" })];
    const link = await accept(visitor());
    expect(link.requests("send").map(({ params }) => params.text)).toEqual(["one"]);
    const key = link.requests("send")[0]?.params.key;
    const next = await reconnect(visitor());
    expect(next.requests("send").map(({ params }) => params)).toEqual([{ key, text: "one" }]);
    next.answer("send", { offset: 2, epoch: 1 });
    next.refuse("send", { code: 1051, retry: true });
    clock.pass(500);
    next.answer("send", { offset: 3, epoch: 1 });
    expect(
      next
        .requests("send")
        .slice(1)
        .map(({ params }) => params),
    ).toEqual([
      { key: "mine", text: "two" },
      { key: "mine", text: "two" },
    ]);
    expect(await Promise.all(said)).toEqual([
      { offset: 2, epoch: 1 },
      { offset: 3, epoch: 1 },
    ]);
  });

  it("that was not acknowledged is said under its key in a log of another generation", async () => {
    const client = connectOperator({ ...options, token: "t" });
    const link = await accept(operator(), 1);
    const said = client.say("s1", "It leaves today.", { key: "k", seen: 40 });
    expect(link.requests("send")[0]?.params).toMatchObject({ key: "k", seen: 40 });
    const next = await reconnect(operator(), 2);
    const [again] = next.requests("send");
    expect(again?.params).toEqual({ session: "s1", key: "k", text: "It leaves today.", seen: 0 });
    next.answer("send", { offset: 31, epoch: 2 });
    expect(await said).toEqual({ offset: 31, epoch: 2 });
  });

  it("in a closed session is said in a new one", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const link = await accept(visitor("s1"));
    const said = client.say("hello again");
    link.refuse("send", { code: 1021 });
    expect(link.closed).toBe(true);
    const next = await accept(visitor("s2"));
    next.answer("send", { offset: 2, epoch: 1 });
    expect(await said).toEqual({ offset: 2, epoch: 1 });
  });

  it("can be aborted", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const abort = new AbortController();
    const said = client.say("never mind", { signal: abort.signal });
    abort.abort();
    await expect(said).rejects.toMatchObject({ name: "aborted", retry: false });
    const link = await accept(visitor());
    expect(link.requests("send")).toEqual([]);
    const late = client.say("not even begun", { signal: abort.signal });
    await expect(late).rejects.toMatchObject({ name: "aborted" });
  });

  it("of more than a message may hold fails, and the connection stays", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const link = await accept(visitor());
    const said = client.say("é".repeat(40_000));
    await expect(said).rejects.toMatchObject({ name: "invalid_params", code: -32602 });
    expect(link.requests("send")).toEqual([]);
    expect(client.state.kind).toBe("online");
  });
});

it("a take-over whose answer is lost fails, and is not tried again behind one's back", async () => {
  const client = connectOperator({ ...options, token: "t" });
  await expect(client.takeOver("s1")).rejects.toMatchObject({ name: "disconnected", retry: true });
  await accept(operator());
  const taken = client.takeOver("s1").catch((error: unknown) => error);
  const next = await reconnect(operator());
  expect(await taken).toMatchObject({ name: "disconnected", retry: true });
  expect(next.requests("take_over")).toEqual([]);
});

it("a refusal is an error with its name, code and data", async () => {
  const client = connectOperator({ ...options, token: "t" });
  const link = await accept(operator());
  const taken = client.takeOver("s1");
  link.refuse("take_over", { code: 1030, message: "Bob is in control", data: { epoch: 2 } });
  const error = await taken.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(VigieError);
  expect(error).toMatchObject({
    name: "held",
    code: 1030,
    message: "Bob is in control",
    retry: false,
    data: { epoch: 2 },
  });
  const newer = client.release("s1");
  link.refuse("release", { code: 1999, retry: true });
  await expect(newer).rejects.toMatchObject({ name: "unknown", code: 1999, retry: true });
});

it("typing is sent now and then, and the last of it always", async () => {
  const client = connectVisitor({ ...options, site: "shop" });
  const link = await accept(visitor());
  for (const text of ["H", "He", "Hel", "Hell", "Hello"]) {
    client.typing(text);
    clock.pass(10);
  }
  clock.pass(300);
  expect(link.signals("typing").map(({ params }) => params)).toEqual([
    { text: "H" },
    { text: "Hello" },
  ]);
  clock.pass(300);
  client.typing("Hello!");
  client.typing("Hello!?");
  void client.say("Hello!?").catch(() => {});
  clock.pass(1_000);
  expect(link.signals("typing")).toHaveLength(3);
});

it("what is told of a visitor is told again at the next connection, unless it was refused", async () => {
  const page = { url: "https://shop.example/a" };
  const client = connectVisitor({ ...options, site: "shop", page, data: { plan: "gold" } });
  const link = await accept(visitor());
  const told = client.setData({ plan: "platinum" });
  link.answer("set_data", { offset: 2, epoch: 1 });
  await told;
  const viewed = client.viewPage({ url: " " });
  link.refuse("page", { code: -32602 });
  await expect(viewed).rejects.toMatchObject({ name: "invalid_params" });
  const next = await reconnect(visitor());
  const params = { site: "shop", page, data: { plan: "platinum" }, resume: "resume s1" };
  expect(next.requests("connect")[0]?.params).toMatchObject(params);
});

it("every later connection says the visitor's latest page and data, not the first ones", async () => {
  const a = { url: "https://shop.example/a" };
  const b = { url: "https://shop.example/b", title: "B" };
  const c = { url: "https://shop.example/c" };
  const client = connectVisitor({ ...options, site: "shop", page: a, data: { plan: "gold" } });
  const first = await accept(visitor());
  expect(first.requests("connect")[0]?.params).toMatchObject({ page: a, data: { plan: "gold" } });
  const told = [client.setData({ plan: "platinum" }), client.viewPage(b)];
  first.answer("set_data", { offset: 2, epoch: 1 });
  first.answer("page", { offset: 3, epoch: 1 });
  await Promise.all(told);
  const second = await reconnect(visitor());
  const latest = { page: b, data: { plan: "platinum" } };
  expect(second.requests("connect")[0]?.params).toMatchObject(latest);
  expect(second.requests("set_data")).toEqual([]);
  expect(second.requests("page")).toEqual([]);

  second.drop();
  const viewed = client.viewPage(c);
  clock.pass(500);
  const third = await accept(visitor("s2"));
  expect(third.requests("connect")[0]?.params).toMatchObject(latest);
  expect(third.requests("page").map(({ params }) => params)).toEqual([c]);
  third.answer("page", { offset: 2, epoch: 1 });
  await viewed;

  const started = client.startSession();
  const fourth = await accept(visitor("s3"));
  await started;
  expect(fourth).not.toBe(third);
  expect(fourth.requests("connect")[0]?.params).toMatchObject({ ...latest, page: c });
});

describe("watching", () => {
  const card = (session: string, started: number): Card => ({
    session,
    visitor: "v",
    started,
    device: "desktop",
    messages: 0,
    control: CONTROL,
    bot: "idle",
    online: true,
    offset: 1,
  });

  it("follows the deltas, and watches again after a gap and a reconnect", async () => {
    const client = connectOperator({ ...options, token: "t" });
    const views: string[] = [];
    const rings: string[] = [];
    const watch = client.watch(
      { alerts: "new" },
      {
        change: ({ cards }: LiveView) => views.push(cards.map(({ session }) => session).join("")),
        alert: ({ kind, card }) => rings.push(`${kind} ${card.session}`),
        quiet: (session) => rings.push(`quiet ${session}`),
      },
    );
    expect(watch.view).toBeUndefined();
    const link = await accept(operator());
    expect(link.requests("watch")[0]?.params).toEqual({ window: { alerts: "new" } });
    link.push("live", { revision: 4, totals: TOTALS, upsert: [card("z", 1)] });
    link.answer("watch", { revision: 4, cards: [card("a", 1)], totals: TOTALS });
    const alerts = [{ kind: "new" as const, card: card("b", 2) }];
    link.push("live", {
      revision: 5,
      totals: TOTALS,
      upsert: [card("b", 2)],
      alerts,
      quiet: ["a"],
    });
    expect(rings).toEqual(["quiet a", "new b"]);
    link.push("live", { revision: 7, totals: TOTALS, remove: ["b"] });
    link.answer("watch", { revision: 7, cards: [card("a", 1)], totals: TOTALS });
    const next = await reconnect(operator());
    next.answer("watch", { revision: 1, cards: [], totals: TOTALS });
    expect(views).toEqual(["a", "ba", "a", ""]);
    watch.stop();
    expect(next.requests("unwatch")).toHaveLength(1);
    next.push("live", { revision: 2, totals: TOTALS, upsert: [card("a", 1)] });
    expect(views).toHaveLength(4);
  });

  it("moves to the latest of the windows that were wished for meanwhile", async () => {
    const client = connectOperator({ ...options, token: "t" });
    const link = await accept(operator());
    const watch = client.watch({ skip: 0 }, { change: () => {} });
    for (const skip of [10, 20, 30]) {
      watch.move({ skip });
    }
    link.answer("watch", { revision: 1, cards: [], totals: TOTALS });
    expect(watch.view?.window).toEqual({ skip: 0 });
    link.answer("watch", { revision: 9, cards: [], totals: TOTALS });
    expect(watch.view?.window).toEqual({ skip: 30 });
    expect(link.requests("watch").map(({ params }) => params.window?.skip)).toEqual([0, 30]);
  });

  it("is told of by the latest watch alone", async () => {
    const client = connectOperator({ ...options, token: "t" });
    const link = await accept(operator());
    const told: string[] = [];
    client.watch({}, { change: () => told.push("first") });
    client.watch({ show: "mine" }, { change: () => told.push("second") });
    link.answer("watch", { revision: 1, cards: [], totals: TOTALS });
    expect(told).toEqual(["second"]);
  });
});

describe("a bot", () => {
  const turn = (offset: number, more: Partial<Turn> = {}): Turn => ({
    session: "s1",
    epoch: 1,
    turn: offset,
    messages: [],
    timeout: 30_000,
    ...more,
  });

  it("answers over a reconnect what it was asked before, once", async () => {
    const client = connectBot({ ...options, token: "t" });
    const asked: number[] = [];
    let answered: Promise<unknown> | undefined;
    client.serve({
      turn: (turn, reply) => {
        asked.push(turn.turn);
        answered = reply.answer("42", [{ label: "More?", action: "send" }]);
      },
    });
    const link = await accept(robot());
    link.answer("serve", {});
    link.push("turn", turn(5));
    const next = await reconnect(robot());
    expect(next.requests("serve")).toHaveLength(1);
    next.push("turn", turn(5));
    next.answer("answer", { offset: 6, epoch: 1 });
    expect(await answered).toEqual({ offset: 6, epoch: 1 });
    expect(asked).toEqual([5]);
    const params = { session: "s1", epoch: 1, turn: 5, text: "42" };
    expect(next.requests("answer")[0]?.params).toMatchObject(params);
  });

  it("lets go of the turns of a log that is no more, and takes them when they are asked anew", async () => {
    const client = connectBot({ ...options, token: "t" });
    const replies: TurnReply[] = [];
    client.serve({
      turn: (_, reply) => {
        replies.push(reply);
      },
    });
    const link = await accept(robot(), 1);
    link.answer("serve", {});
    link.push("turn", turn(5));
    link.push("turn", turn(6, { session: "s2" }));
    const sent = replies[0]?.answer("42");
    const next = await reconnect(robot(), 2);
    expect(replies.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    await expect(sent).rejects.toMatchObject({ name: "stale_turn" });
    await expect(replies[1]?.answer("late")).rejects.toMatchObject({ name: "stale_turn" });
    expect(next.requests("answer")).toEqual([]);
    next.push("turn", turn(5));
    void replies[2]?.answer("43");
    expect(next.requests("answer")[0]?.params).toMatchObject({ turn: 5, text: "43" });
  });

  it("is told to stop by its signal: when revoked, superseded, out of time or closed", async () => {
    const client = connectBot({ ...options, token: "t" });
    const signals: AbortSignal[] = [];
    const revoked: string[] = [];
    client.serve({
      turn: (_, reply) => {
        signals.push(reply.signal);
        reply.draft("Well");
      },
      revoked: ({ reason }) => revoked.push(reason),
    });
    const link = await accept(robot());
    link.push("turn", turn(2));
    link.push("turn_revoked", { session: "s1", turn: 2, epoch: 2, reason: "taken_over" });
    link.push("turn", turn(4));
    link.push("turn", turn(5));
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
    clock.pass(20_000);
    link.give({ kind: "request", id: 1, method: "ping", params: {} });
    expect(signals[2]?.aborted).toBe(false);
    clock.pass(10_000);
    expect(signals[2]?.aborted).toBe(true);
    link.push("turn", turn(8));
    client.close();
    expect(signals[3]?.aborted).toBe(true);
    expect(revoked).toEqual(["taken_over"]);
    expect(link.signals("draft")).toHaveLength(4);
    expect(clock.timers).toBeLessThanOrEqual(4);
  });

  it("whose handler throws gives the turn up, unless the turn is stale", async () => {
    const client = connectBot({ ...options, token: "t" });
    const problems: string[] = [];
    client.on("error", ({ method, error }) => problems.push(`${method} ${error.name}`));
    client.serve({
      turn: async ({ turn }, reply) => {
        if (turn === 3) {
          throw new Error("the model is down");
        }
        await reply.answer("too late");
      },
    });
    const link = await accept(robot());
    link.push("turn", turn(3));
    await settled();
    expect(link.requests("fail")[0]?.params).toMatchObject({
      turn: 3,
      reason: "the model is down",
    });
    link.answer("fail", { offset: 4, epoch: 1 });
    link.push("turn", turn(6));
    link.refuse("answer", { code: 1032, data: { epoch: 2 } });
    await settled();
    expect(link.requests("fail")).toHaveLength(1);
    expect(problems).toEqual([]);
  });
});

describe("the life of a client", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("is told state by state, and ready tells when it is online or never will be", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const states: string[] = [];
    client.on("state", ({ kind }) => states.push(kind));
    const ready = client.ready();
    await accept(visitor());
    expect(await ready).toEqual(visitor());
    await reconnect(visitor());
    network.link.drop(4501, "message_too_large");
    expect(states).toEqual(["connecting", "online", "waiting", "connecting", "online", "closed"]);
    await expect(client.ready()).rejects.toMatchObject({ message: "message_too_large" });
    await expect(client.say("too late")).rejects.toMatchObject({ name: "closed" });
  });

  it("tells people of every role when the server is degraded, and when it is well again", async () => {
    const told: string[] = [];
    for (const [role, connect] of [
      [visitor, () => connectVisitor({ ...options, site: "shop" })],
      [operator, () => connectOperator({ ...options, token: "t" })],
      [robot, () => connectBot({ ...options, token: "t" })],
    ] as const) {
      const client = connect();
      const identity = role();
      client.on("status", ({ degraded }) => told.push(`${identity.role} ${degraded}`));
      const link = await accept(identity, 1);
      link.push("status", { degraded: true });
      link.push("status", { degraded: false });
    }
    const roles = ["visitor", "operator", "bot"];
    expect(told).toEqual(roles.flatMap((role) => [`${role} true`, `${role} false`]));
  });

  it("garbage from the server is a lost connection", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const link = await accept(visitor());
    link.raw("garbage");
    expect(client.state).toMatchObject({ kind: "waiting" });
    expect(link.closed).toBe(true);
  });

  it("a handler that throws stops nothing", async () => {
    const thrown = new Promise((resolve) => process.once("uncaughtException", resolve));
    const others = process.listeners("uncaughtException").slice(0, -1);
    for (const other of others) {
      process.off("uncaughtException", other);
    }
    const client = connectVisitor({ ...options, site: "shop" });
    const notes = new Notes();
    client.follow({
      event: () => {
        throw new Error("a fault of the program");
      },
    });
    client.follow(notes.handlers);
    const link = await accept(visitor());
    link.answer("subscribe", { session: "s1", offset: 0, control: CONTROL });
    link.push("event", message("s1", 0, 2));
    expect(notes.texts).toEqual(["2"]);
    expect(await thrown).toMatchObject({ message: "a fault of the program" });
    for (const other of others) {
      process.on("uncaughtException", other as (error: Error) => void);
    }
  });

  it("the browser's word about the network is used, and not listened to any more in the end", async () => {
    const window = new EventTarget();
    vi.stubGlobal("window", window);
    const client = connectVisitor({ ...options, site: "shop" });
    const link = await accept(visitor());
    window.dispatchEvent(new Event("offline"));
    expect(link.requests("ping")).toHaveLength(1);
    clock.pass(5_000);
    expect(client.state.kind).toBe("waiting");
    window.dispatchEvent(new Event("offline"));
    expect(network.links).toHaveLength(1);
    window.dispatchEvent(new Event("online"));
    expect(network.links).toHaveLength(2);
    client.close();
    window.dispatchEvent(new Event("online"));
    expect(network.links).toHaveLength(2);
  });

  it("a clock that is set back stops no heartbeat", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const link = await accept(visitor());
    clock.pass(1_000);
    clock.set = -3_600_000;
    link.give({ kind: "request", id: 1, method: "ping", params: {} });
    clock.pass(25_000);
    expect(link.requests("ping")).toHaveLength(1);
    clock.pass(25_000);
    expect(client.state.kind).toBe("waiting");
  });

  it("the token is asked for at every connection, and when it is wished", async () => {
    const tokens = ["first", "second", "third"];
    const token = vi.fn(async () => tokens.shift() ?? "none");
    const client = connectOperator({ ...options, token });
    const link = await accept(operator());
    expect(link.requests("connect")[0]?.params.token).toBe("first");
    const refreshed = client.refreshToken();
    await settled();
    expect(link.requests("refresh")[0]?.params).toEqual({ token: "second" });
    link.answer("refresh", { expires: clock.now() + 900_000 });
    await refreshed;
    link.drop(4503, "token_expired");
    clock.pass(500);
    const next = await accept(operator());
    expect(next.requests("connect")[0]?.params.token).toBe("third");
    const fixed = connectOperator({ ...options, token: "fixed" });
    await expect(fixed.refreshToken()).rejects.toMatchObject({ name: "unsupported" });
  });

  it("a token function that throws is asked again later", async () => {
    let times = 0;
    const client = connectOperator({
      ...options,
      token: () => {
        times += 1;
        throw new Error("signed out");
      },
    });
    await settled();
    expect(client.state).toMatchObject({ kind: "waiting", reason: "no token: signed out" });
    clock.pass(500);
    await settled();
    expect(times).toBe(2);
  });

  it("an address that is none closes it, and says so", async () => {
    const client = connectVisitor({ url: "nowhere at all", codec: json, site: "shop", clock });
    await expect(client.ready()).rejects.toMatchObject({ name: "unsupported" });
  });

  it("a signal that is refused is told of as an error", async () => {
    const client = connectVisitor({ ...options, site: "shop" });
    const problems: string[] = [];
    client.on("error", ({ method, error }) => problems.push(`${method} ${error.name}`));
    const link = await accept(visitor());
    const error = { code: 1010, message: "no", retry: false };
    link.push("error", { method: "typing", error });
    link.give({ kind: "response", id: null, error: { code: -32700, message: "no", retry: false } });
    expect(problems).toEqual(["typing forbidden", " parse_error"]);
  });
});
