// What must hold with a real engine: over losses, restarts, silence and the end of tokens.

import { afterEach, describe, expect, it, vi } from "vitest";
import WebSocket from "ws";
import type {
  Client,
  Control,
  LiveView,
  OpenTransport,
  Position,
  VisitorClient,
} from "../src/index.ts";
import { connectOperator, connectVisitor } from "../src/index.ts";
import { Engine, eventually, within } from "./engine.ts";
import { LossyNetwork } from "./lossy.ts";
import {
  CARRIERS,
  Notes,
  operate,
  options,
  serveBot,
  type Via,
  visit,
  webSocketOf,
} from "./people.ts";

const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) {
    await end();
  }
});

async function engineWith(settings: Record<string, string> = {}): Promise<Engine> {
  const engine = await Engine.start(settings);
  endings.push(() => engine.dispose());
  return engine;
}

function guest<C extends Client>(client: C): C {
  endings.push(() => client.close());
  return client;
}

/** Everything in a session's log, as an operator sees it. */
async function texts(engine: Engine, session: string): Promise<string[]> {
  const auditor = await operate(engine, "auditor");
  const found: string[] = [];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = await auditor.history(session, after, 50);
    found.push(...page.events.flatMap(({ body }) => (body.type === "message" ? [body.text] : [])));
    after = page.next;
  }
  auditor.close();
  return found;
}

describe.each(CARRIERS)("over %s", (via: Via) => {
  it("nothing is lost or doubled when the engine is killed in mid-send", async () => {
    const engine = await engineWith();
    const visitor = guest(visit(engine, via));
    const seen = new Notes();
    visitor.follow(seen.handlers);
    const expected = Array.from({ length: 60 }, (_, index) => `message ${index}`);
    const said = Promise.all(expected.map((text) => visitor.say(text)));
    for (const count of [10, 30]) {
      await eventually(`${count} of them`, () => seen.texts.length >= count);
      await engine.kill();
      await engine.serve();
    }
    const done = await within("all of them to be acknowledged", said);
    await eventually("all of them to come back", () => seen.texts.length >= expected.length);
    expect(seen.texts).toEqual(expected);
    expect(await texts(engine, visitor.session ?? "")).toEqual(expected);
    const offsets = done.map(({ offset }) => offset);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(seen.resets).toBe(0);
  });

  it("an operator's messages and notes survive a kill as well, and so does control", async () => {
    const engine = await engineWith();
    const visitor = guest(visit(engine, via));
    await visitor.say("Hello");
    const session = visitor.session ?? "";
    const ann = guest(await operate(engine, "ann", via));
    await ann.ready();
    const taken = await ann.takeOver(session);
    const replies = Array.from({ length: 20 }, (_, index) => `reply ${index}`);
    const said = Promise.all([
      ...replies.map((text) => ann.say(session, text)),
      ann.note(session, "a note"),
    ]);
    await engine.kill();
    await engine.serve();
    const done = await within("all of them to be acknowledged", said);
    expect(new Set(done.map(({ epoch }) => epoch))).toEqual(new Set([taken.epoch]));
    expect(await texts(engine, session)).toEqual(["Hello", ...replies]);
  });

  it("an engine that stands still is noticed, and the follower goes on when it is back", async () => {
    const engine = await engineWith({ VIGIE__GATEWAY__HEARTBEAT_MS: "300" });
    const visitor = guest(visit(engine, via));
    const ann = guest(await operate(engine, "ann", via));
    await visitor.say("before");
    const observed = new Notes();
    ann.follow(visitor.session ?? "", observed.handlers);
    await eventually("the past", () => observed.caughtUp === 1);
    engine.freeze();
    await eventually("the silence to be noticed", () => ann.state.kind !== "online");
    engine.thaw();
    await visitor.say("after");
    await eventually("the rest", () => observed.texts.length === 2);
    expect(observed.texts).toEqual(["before", "after"]);
  });

  it("a connection that only loses what the engine says is noticed and replaced", async () => {
    const engine = await engineWith({ VIGIE__GATEWAY__HEARTBEAT_MS: "300" });
    const proxy = await LossyNetwork.to(via === "TCP" ? engine.tcp : engine.http);
    endings.push(() => proxy.close());
    const url = via === "TCP" ? `tcp://${proxy.address}` : `ws://${proxy.address}/ws`;
    const visitor = guest(connectVisitor({ ...options(engine, via), url, site: "shop" }));
    const seen = new Notes();
    visitor.follow(seen.handlers);
    await visitor.say("one");
    proxy.deaf = true;
    const said = visitor.say("two");
    await eventually("the loss to be noticed", () => visitor.state.kind !== "online");
    proxy.deaf = false;
    await within("the message to be acknowledged", said);
    await eventually("both messages", () => seen.texts.length === 2);
    expect(seen.texts).toEqual(["one", "two"]);
    expect(proxy.connections).toBeGreaterThan(1);
  });

  it("a connection on which nobody says anything stays, for both ends ping", async () => {
    // After as long a ping counts as unanswered: a busy machine may stall for that time.
    const engine = await engineWith({ VIGIE__GATEWAY__HEARTBEAT_MS: "1900" });
    const { transport, ...how } = options(engine, via);
    let heard = 0;
    const counting: OpenTransport = (url, subprotocol, handlers) => {
      const message = (data: Uint8Array | string) => {
        heard += 1;
        handlers.message(data);
      };
      return (transport as OpenTransport)(url, subprotocol, { ...handlers, message });
    };
    const visitor = guest(connectVisitor({ ...how, transport: counting, site: "shop" }));
    const identity = await visitor.ready();
    const states: string[] = [];
    visitor.on("state", ({ kind }) => states.push(kind));
    const before = heard;
    await eventually("pings and answers", () => heard >= before + 4);
    expect(states).toEqual([]);
    expect(visitor.state).toEqual({ kind: "online", identity });
  });
});

describe("visitors", () => {
  it("go on after a reload where they were, told only what is new", async () => {
    const engine = await engineWith();
    let resume = "";
    const keep = {
      onResume: (token: string) => {
        resume = token;
      },
    };
    const before = visit(engine, undefined, keep);
    const seen = new Notes();
    const following = before.follow(seen.handlers);
    await before.say("before the reload");
    await eventually("its echo", () => seen.texts.length === 1);
    const position: Position = { session: before.session ?? "", offset: following.offset };
    before.close();

    const after = guest(visit(engine, undefined, { resume, ...keep }));
    const again = new Notes();
    after.follow(again.handlers, position);
    await after.say("after the reload");
    await eventually("its echo", () => again.texts.length === 1);
    expect(again.texts).toEqual(["after the reload"]);
    expect(after.session).toBe(position.session);
    expect(again.resets).toBe(0);
  });

  it("with a resume token that is none are new ones, and get a good one", async () => {
    const engine = await engineWith();
    const tokens: string[] = [];
    const visitor = guest(
      visit(engine, undefined, { resume: "nonsense", onResume: (token) => tokens.push(token) }),
    );
    await visitor.say("Hello");
    expect(tokens).toHaveLength(1);
  });

  it("who write after the end are in a new conversation", async () => {
    const engine = await engineWith();
    const visitor = guest(visit(engine));
    const seen = new Notes();
    visitor.follow(seen.handlers);
    await visitor.say("Hello");
    const first = visitor.session;
    const ann = guest(await operate(engine, "ann"));
    await ann.ready();
    await ann.closeSession(first ?? "");
    await eventually("the end", () => seen.types.at(-1) === "session_closed");
    await visitor.say("One more thing");
    expect(visitor.session).not.toBe(first);
    await eventually("the new one", () => seen.texts[0] === "One more thing");
    expect(seen.resets).toBe(1);
  });

  it("end their conversation, rate it, and start another", async () => {
    const engine = await engineWith();
    const visitor = guest(visit(engine, undefined, { data: { plan: "gold" } }));
    const seen = new Notes();
    visitor.follow(seen.handlers);
    await visitor.say("Hello");
    const first = visitor.session ?? "";
    await visitor.setData({ plan: "platinum" });
    await visitor.endSession();
    await eventually("the end", () => seen.types.at(-1) === "session_closed");
    await visitor.rate(4, "quick");
    await eventually("the rating", () => seen.types.at(-1) === "session_rated");
    const second = await visitor.startSession();
    expect(second).not.toBe(first);
    await visitor.say("Me again");

    const ann = guest(await operate(engine, "ann"));
    const { sessions, next } = await ann.past(second);
    expect(sessions).toMatchObject([
      { session: first, ordinal: 1, messages: 1, rating: { score: 4, comment: "quick" } },
    ]);
    expect(next).toBeUndefined();
    const { events } = await ann.history(first);
    expect(events.map(({ body }) => body.type)).toEqual([
      "session_started",
      "data_changed",
      "message",
      "data_changed",
      "session_closed",
      "session_rated",
    ]);
  });

  it("of a page that is not the site's, and of no site, are refused for good", async () => {
    const engine = await engineWith();
    const transport = webSocketOf("http://elsewhere.example");
    for (const [site, name] of [
      ["shop", "origin_refused"],
      ["nowhere", "unknown_site"],
    ] as const) {
      const stranger = guest(connectVisitor({ url: engine.ws, transport, site }));
      await expect(stranger.ready()).rejects.toMatchObject({ name, retry: false });
      expect(stranger.state.kind).toBe("closed");
    }
  });

  it("use the platform's WebSocket, and are told what to do where there is none", async () => {
    const engine = await engineWith();
    vi.stubGlobal("WebSocket", WebSocket);
    endings.push(() => vi.unstubAllGlobals());
    const visitor = guest(connectVisitor({ url: engine.ws, site: "shop" }));
    expect(await visitor.say("Hello")).toMatchObject({ epoch: 1 });
    vi.stubGlobal("WebSocket", undefined);
    const other = guest(connectVisitor({ url: engine.ws, site: "shop" }));
    await expect(other.ready()).rejects.toMatchObject({
      name: "unsupported",
      message: expect.stringContaining("webSocket({ WebSocket })"),
    });
  });
});

describe("operators", () => {
  /** A visitor who has said something. */
  async function asking(engine: Engine): Promise<{ visitor: VisitorClient; session: string }> {
    const visitor = guest(visit(engine));
    await visitor.say("Hello");
    return { visitor, session: visitor.session ?? "" };
  }

  it("who lose a race are told who won", async () => {
    const engine = await engineWith();
    const { session } = await asking(engine);
    const ann = guest(await operate(engine, "ann", undefined, { name: "Ann" }));
    const bob = guest(await operate(engine, "bob", "TCP", { name: "Bob" }));
    await Promise.all([ann.ready(), bob.ready()]);
    const claims = await Promise.allSettled([ann.takeOver(session), bob.takeOver(session)]);
    const lost = claims.flatMap((claim) => (claim.status === "rejected" ? [claim.reason] : []));
    expect(lost).toHaveLength(1);
    const winner = claims[0]?.status === "fulfilled" ? "Ann" : "Bob";
    expect(lost[0]).toMatchObject({ name: "held", code: 1030, retry: false });
    expect((lost[0].data as Control).holder).toMatchObject({ kind: "operator", name: winner });
  });

  it("do not answer blind: what the visitor said meanwhile comes first", async () => {
    const engine = await engineWith();
    const { visitor, session } = await asking(engine);
    const ann = guest(await operate(engine, "ann"));
    await ann.ready();
    const { offset: seen } = await ann.takeOver(session);
    await visitor.say("Wait, something else");
    const blind = ann.say(session, "Answer", { seen });
    await expect(blind).rejects.toMatchObject({ name: "unseen", data: { unseen: 1 } });
    await ann.say(session, "Answer", { seen, confirm: true });
    expect(await texts(engine, session)).toEqual(["Hello", "Wait, something else", "Answer"]);
  });

  it("see typing, drafts, who else is there and what rings", async () => {
    const engine = await engineWith();
    const bot = guest(await serveBot(engine));
    bot.serve({ turn: (_, reply) => reply.draft("Let me see") });
    const ann = guest(await operate(engine, "ann", undefined, { name: "Ann" }));
    await Promise.all([ann.ready(), bot.ready()]);
    const rings: string[] = [];
    const quiet: string[] = [];
    let view: LiveView | undefined;
    ann.watch(
      { alerts: "all" },
      {
        change: (next) => {
          view = next;
        },
        alert: ({ kind }) => rings.push(kind),
        quiet: (session) => quiet.push(session),
      },
    );
    await eventually("the first view", () => view);
    const { visitor, session } = await asking(engine);
    await eventually("the ring", () => rings.includes("new"));
    const [typed, drafted]: string[][] = [[], []];
    ann.on("typing", ({ text }) => typed?.push(text ?? ""));
    ann.on("draft", ({ text }) => drafted?.push(text));
    const caught = new Notes();
    ann.follow(session, caught.handlers);
    await eventually("the past", () => caught.caughtUp === 1);
    visitor.typing("Are you th");
    await eventually("the typing", () => typed?.includes("Are you th"));
    await visitor.say("Are you there?");
    await eventually("the draft", () => drafted?.includes("Let me see"));
    await ann.setIntent("away");
    expect(await ann.operators()).toMatchObject([{ id: "ann", name: "Ann", intent: "away" }]);
    await ann.takeOver(session);
    await eventually("the quiet", () => quiet.includes(session));
    expect(view?.totals.mine).toBeGreaterThanOrEqual(0);
    await eventually("the card to be Ann's", () => view?.totals.mine === 1);
    expect(view?.cards[0]).toMatchObject({ session, asked: 2, ordinal: 1 });
  });

  it("stay online over many lives of their token", async () => {
    const engine = await engineWith();
    let asked = 0;
    const token = async () => {
      asked += 1;
      const exp = Math.floor(Date.now() / 1_000) + 7;
      return engine.mint({ role: "operator", sub: "ann", name: `Ann ${asked}`, exp });
    };
    const ann = guest(connectOperator({ ...options(engine), token }));
    await ann.ready();
    const states: string[] = [];
    ann.on("state", ({ kind }) => states.push(kind));
    await eventually("three tokens", () => asked >= 3);
    await ann.refreshToken();
    const presented = asked;
    const names = (await ann.operators()).map(({ name }) => name);
    // Its time may have come once more meanwhile.
    expect([[`Ann ${presented}`], [`Ann ${asked}`]]).toContainEqual(names);
    expect(states).toEqual([]);
  });

  it("whose token runs out connect again with a new one", async () => {
    const engine = await engineWith();
    // The secret is known before the first token's short life begins.
    await engine.mint({});
    const states: string[] = [];
    let asked = 0;
    // Every refresh fails, until there is nothing left to refresh.
    const token = async () => {
      asked += 1;
      if (asked > 1 && !states.includes("token_expired")) {
        throw new Error("no token just now");
      }
      const exp = Math.floor(Date.now() / 1_000) + (asked === 1 ? 5 : 60);
      return engine.mint({ role: "operator", sub: "ann", name: "Ann", exp });
    };
    const ann = guest(connectOperator({ ...options(engine), token }));
    ann.on("state", (state) => states.push(state.kind === "waiting" ? state.reason : state.kind));
    await eventually(
      "the second connection",
      () => states.filter((s) => s === "online").length > 1,
    );
    expect(states).toEqual(["connecting", "online", "token_expired", "connecting", "online"]);
    expect(asked).toBeGreaterThanOrEqual(3);
  });
});
