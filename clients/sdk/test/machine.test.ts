import { describe, expect, it } from "vitest";
import type { Message, RequestMessage } from "../src/codec.ts";
import type { Effect, Input, Machinery } from "../src/effects.ts";
import { VigieError } from "../src/errors.ts";
import { Machine, OPEN_MAX_MS, WORTHWHILE_MS } from "../src/machine.ts";
import { CALLS_MAX, type Call, type Outcome, REQUESTS_MAX } from "../src/outbox.ts";
import type { Connected, Identity } from "../src/protocol.ts";
import { PROBE_MS } from "../src/pulse.ts";
import type { ConnectionState } from "../src/state.ts";
import { TOKEN_MAX_MS, Tokens } from "../src/tokens.ts";

const HEARTBEAT = 25_000;

/** A machine, played by hand. */
class Play {
  now = 1_000_000;
  readonly machine: Machinery;
  readonly effects: Effect[] = [];
  #calls = 0;

  constructor(
    options: {
      asksToken?: boolean;
      resume?: string;
      generation?: number;
      random?: () => number;
    } = {},
  ) {
    const { asksToken = false, resume, generation, random = () => 0.5 } = options;
    const connect = asksToken
      ? { protocol: 1 }
      : { protocol: 1, site: "shop", ...(resume ? { resume } : {}) };
    const machine = new Machine({ connect, generation, random });
    this.machine = asksToken ? new Tokens(machine) : machine;
  }

  give(input: Input): Effect[] {
    const effects = this.machine.handle(input, this.now);
    this.effects.push(...effects);
    return effects;
  }

  /** Lets time pass in the machine's own steps. */
  pass(duration: number): void {
    const until = this.now + duration;
    for (let at = this.machine.wakeAt; at !== undefined && at <= until; at = this.machine.wakeAt) {
      this.now = Math.max(this.now, at);
      this.give({ kind: "tick" });
    }
    this.now = until;
  }

  call(call: Partial<Call> = {}): number {
    this.#calls += 1;
    this.give({
      kind: "call",
      call: {
        id: this.#calls,
        method: "send",
        params: { n: this.#calls },
        policy: "retry",
        ...call,
      },
    });
    return this.#calls;
  }

  /** Gets it online, from wherever it is waiting. */
  online(identity: Identity = visitor(), generation?: number): this {
    if (this.state?.kind === "waiting") {
      this.give({ kind: "retry_now" });
    } else if (this.state === undefined) {
      this.give({ kind: "start" });
    }
    const ask = this.#last("ask_token");
    if (this.state?.kind === "connecting" && ask !== undefined) {
      this.give({ kind: "token", ask: ask.ask, token: `token ${ask.ask}` });
    }
    this.give({ kind: "opened", link: this.link });
    const more = generation === undefined ? {} : { generation };
    this.answer("connect", { ...connected(identity, this.now), ...more });
    return this;
  }

  /** Answers the latest request of a method. */
  answer(method: string, result: unknown): void {
    const id = this.requests.findLast((request) => request.method === method)?.id ?? -1;
    this.message({ kind: "response", id, result });
  }

  refuse(method: string, code: number, retry = false): void {
    const id = this.requests.findLast((request) => request.method === method)?.id ?? -1;
    this.message({ kind: "response", id, error: { code, message: `refused ${code}`, retry } });
  }

  message(message: Message): void {
    this.give({ kind: "message", link: this.link, message });
  }

  lose(code = 0): void {
    this.give({ kind: "lost", link: this.link, code, reason: "lost" });
  }

  get link(): number {
    return this.#last("open")?.link ?? 0;
  }

  get state(): ConnectionState | undefined {
    return this.#last("state")?.state;
  }

  get sent(): Message[] {
    return this.effects.flatMap((effect) => (effect.kind === "send" ? [effect.message] : []));
  }

  /** Of each connection, whether the log was another one than before. */
  get resyncs(): boolean[] {
    return this.effects.flatMap((effect) => (effect.kind === "connected" ? [effect.resync] : []));
  }

  get requests(): RequestMessage[] {
    return this.sent.filter((message): message is RequestMessage => message.kind === "request");
  }

  /** The numbers of the calls that were sent, in order. */
  get said(): unknown[] {
    return this.requests
      .filter(({ method }) => method === "send")
      .map(({ params }) => (params as { n: number }).n);
  }

  outcome(call: number): Outcome | undefined {
    const settled = this.effects.filter(
      (effect) => effect.kind === "settle" && effect.call === call,
    );
    expect(settled.length).toBeLessThanOrEqual(1);
    return settled[0]?.kind === "settle" ? settled[0].outcome : undefined;
  }

  #last<K extends Effect["kind"]>(kind: K): Extract<Effect, { kind: K }> | undefined {
    return this.effects.findLast(
      (effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind,
    );
  }
}

function visitor(session = "s1"): Identity {
  const control = { epoch: 1, holder: { kind: "bot" as const }, since: 0 };
  return { role: "visitor", site: "shop", visitor: "v", session, resume: "r", offset: 0, control };
}

function operator(expires: number): Identity {
  return { role: "operator", site: "shop", id: "ann", name: "Ann", rank: "agent", expires };
}

function connected(identity: Identity, time: number): Connected {
  return { protocol: 1, features: [], server: "test", time, heartbeat: HEARTBEAT, identity };
}

describe("connecting", () => {
  it("the first message of a connection is connect, with what is known of oneself", () => {
    const play = new Play({ resume: "mine" });
    play.give({ kind: "start" });
    expect(play.state).toEqual({ kind: "connecting", attempt: 1 });
    expect(play.sent).toEqual([]);
    play.give({ kind: "opened", link: play.link });
    const params = { protocol: 1, site: "shop", resume: "mine" };
    expect(play.sent).toEqual([{ kind: "request", id: 1, method: "connect", params }]);
  });

  it("a visitor comes back with the newest resume token and the newest page", () => {
    const play = new Play().online();
    play.give({ kind: "describe", connect: { page: { url: "https://shop.example/b" } } });
    play.lose();
    play.online();
    expect(play.requests.at(-1)?.params).toEqual({
      protocol: 1,
      site: "shop",
      resume: "r",
      page: { url: "https://shop.example/b" },
    });
  });

  it("an attempt that is not answered in time is given up", () => {
    const play = new Play();
    play.give({ kind: "start" });
    play.give({ kind: "opened", link: play.link });
    play.pass(OPEN_MAX_MS);
    expect(play.state).toMatchObject({ kind: "waiting", attempt: 2 });
    expect(play.effects).toContainEqual({ kind: "shut", link: 1 });
  });

  it("what an old connection says is ignored", () => {
    const play = new Play().online();
    const old = play.link;
    play.lose();
    play.online();
    play.effects.length = 0;
    play.give({ kind: "lost", link: old, code: 4500, reason: "too late" });
    play.give({ kind: "opened", link: old });
    const message: Message = { kind: "request", id: 1, method: "ping", params: {} };
    play.give({ kind: "message", link: old, message });
    expect(play.effects.filter(({ kind }) => kind !== "wake")).toEqual([]);
  });

  it("pings are answered before connect is, and other requests are refused", () => {
    const play = new Play();
    play.give({ kind: "start" });
    play.give({ kind: "opened", link: play.link });
    play.message({ kind: "request", id: 8, method: "ping", params: {} });
    play.message({ kind: "request", id: "x", method: "dance", params: {} });
    expect(play.sent.slice(1)).toEqual([
      { kind: "response", id: 8, result: {} },
      { kind: "response", id: "x", error: expect.objectContaining({ code: -32601 }) },
    ]);
  });
});

describe("losing the connection", () => {
  it.each([
    [0, "waiting"],
    [1006, "waiting"],
    [1001, "waiting"],
    [4000, "waiting"],
    [4001, "waiting"],
    [4002, "waiting"],
    [4499, "waiting"],
    [4500, "closed"],
    [4501, "closed"],
    [4502, "closed"],
    [4503, "closed"],
    [4999, "closed"],
    [5000, "waiting"],
  ])("the close code %i leaves it %s", (code, kind) => {
    const play = new Play().online();
    play.lose(code);
    expect(play.state?.kind).toBe(kind);
  });

  it("bye counts like the close code that follows it", () => {
    const play = new Play().online();
    const params = { code: 4501, reason: "message_too_large", reconnect: false };
    play.message({ kind: "notification", method: "bye", params });
    expect(play.state).toMatchObject({ kind: "closed", reason: "message_too_large" });
  });

  it("waits are drawn from the whole of a range that doubles up to its bound", () => {
    for (const [random, waits] of [
      [0, [0, 0, 0, 0, 0, 0, 0, 0]],
      [0.5, [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
      [0.999, [499, 999, 1_998, 3_996, 7_992, 15_984, 29_970, 29_970]],
    ] as const) {
      const play = new Play({ random: () => random });
      play.give({ kind: "start" });
      for (const wait of waits) {
        play.lose();
        expect(play.state).toMatchObject({ kind: "waiting", until: play.now + wait });
        play.pass(wait);
        expect(play.state?.kind).toBe("connecting");
      }
    }
  });

  it.each([
    [WORTHWHILE_MS - 1, 500],
    [WORTHWHILE_MS, 250],
  ])("after a connection of %i ms the next wait is one of %i ms", (lasted, wait) => {
    const play = new Play();
    play.give({ kind: "start" });
    play.lose();
    play.online();
    play.pass(lasted);
    play.lose();
    expect(play.state).toMatchObject({ kind: "waiting", until: play.now + wait });
  });

  it("after 'resync' the wait is short, however often it failed before", () => {
    const play = new Play({ random: () => 1 }).online();
    const waits: number[] = [];
    for (const code of [0, 0, 0, 0, 0, 4009, 4009, 0]) {
      play.lose(code);
      const { state } = play;
      waits.push(state?.kind === "waiting" ? state.until - play.now : -1);
      play.online();
    }
    expect(waits.slice(0, 5)).toEqual([500, 1000, 2000, 4000, 8000]);
    expect(waits.slice(5)).toEqual([1000, 1000, 2000]);
  });

  it("a generation counts as another one only beside one that was known before", () => {
    const play = new Play();
    for (const generation of [undefined, undefined, 1, 1, 2, undefined]) {
      play.online(visitor(), generation);
      play.lose();
    }
    expect(play.resyncs).toEqual([false, false, true, false, true, true]);
    for (const [generation, resync] of [
      [7, false],
      [8, true],
    ] as const) {
      const later = new Play({ generation: 7 }).online(visitor(), generation);
      expect(later.resyncs).toEqual([resync]);
    }
  });

  it("after 'busy' the wait is longer", () => {
    const play = new Play().online();
    play.lose(4004);
    expect(play.state).toMatchObject({ until: play.now + 4_000 });
  });

  it.each(["retry_now", "network_back"] as const)("%s makes the next attempt at once", (kind) => {
    const play = new Play().online();
    play.lose();
    play.give({ kind });
    expect(play.state).toEqual({ kind: "connecting", attempt: 1 });
  });
});

describe("being refused", () => {
  it.each([
    ["unknown_site", 1005, false, "closed"],
    ["origin_refused", 1004, false, "closed"],
    ["internal", -32603, true, "waiting"],
    ["unauthorized", 1002, false, "closed"],
  ])("connect refused with %s (%i, retry %s) leaves a new visitor %s", (_, code, retry, kind) => {
    const play = new Play();
    play.give({ kind: "start" });
    play.give({ kind: "opened", link: play.link });
    play.refuse("connect", code, retry);
    expect(play.state?.kind).toBe(kind);
  });

  it.each([1002, 1003])("a visitor whose resume token is refused with %i is a new one", (code) => {
    const play = new Play({ resume: "old" });
    play.give({ kind: "start" });
    play.give({ kind: "opened", link: play.link });
    play.refuse("connect", code);
    play.pass(500);
    play.give({ kind: "opened", link: play.link });
    expect(play.requests.at(-1)?.params).toEqual({ protocol: 1, site: "shop" });
    play.refuse("connect", code);
    expect(play.state?.kind).toBe("closed");
  });

  it("a token from the function that is refused is replaced once", () => {
    const play = new Play({ asksToken: true });
    play.give({ kind: "start" });
    for (const [ask, kind] of [
      [1, "waiting"],
      [2, "closed"],
    ] as const) {
      play.give({ kind: "token", ask, token: "t" });
      play.give({ kind: "opened", link: play.link });
      play.refuse("connect", 1002);
      expect(play.state?.kind).toBe(kind);
      play.pass(30_000);
    }
  });

  it("a token function that fails is asked again, unless it says that it is of no use", () => {
    const play = new Play({ asksToken: true });
    play.give({ kind: "start" });
    const error = new VigieError("disconnected", "no net", { retry: true });
    play.give({ kind: "token_failed", ask: 1, error });
    expect(play.state).toMatchObject({ kind: "waiting", reason: "no net" });
    play.pass(30_000);
    play.give({ kind: "token_failed", ask: 2, error: new VigieError("forbidden", "not you") });
    expect(play.state).toMatchObject({ kind: "closed", reason: "not you" });
  });

  it("a token function that never answers is asked again", () => {
    const play = new Play({ asksToken: true });
    play.give({ kind: "start" });
    play.pass(35_000);
    expect(play.effects.filter(({ kind }) => kind === "ask_token")).toHaveLength(2);
  });

  it("an expired token is replaced if there is a function, and is final if not", () => {
    const play = new Play({ asksToken: true }).online(operator(9_000_000));
    play.lose(4503);
    expect(play.state?.kind).toBe("waiting");
    play.online(operator(9_000_000));
    expect(play.requests.at(-1)?.params).toEqual({ protocol: 1, token: "token 2" });
  });
});

describe("signs of life", () => {
  it("who has sent nothing for a heartbeat sends a ping, and an answer is enough", () => {
    const play = new Play().online();
    play.pass(HEARTBEAT);
    expect(play.requests.at(-1)?.method).toBe("ping");
    play.answer("ping", {});
    play.pass(HEARTBEAT - 1);
    expect(play.requests.filter(({ method }) => method === "ping")).toHaveLength(1);
    expect(play.state?.kind).toBe("online");
  });

  it("a ping that is not answered for a heartbeat ends the connection, though other things come", () => {
    const play = new Play().online();
    play.pass(HEARTBEAT);
    play.pass(HEARTBEAT - 1);
    play.give({ kind: "alive", link: play.link });
    expect(play.state?.kind).toBe("online");
    play.pass(1);
    expect(play.state).toMatchObject({ kind: "waiting", reason: "the server has gone silent" });
  });

  it("silence for two heartbeats ends the connection, though we go on sending", () => {
    const play = new Play().online();
    for (let second = 0; second < 49; second += 1) {
      play.pass(1_000);
      play.give({ kind: "notify", method: "typing", params: {} });
    }
    expect(play.state?.kind).toBe("online");
    play.pass(1_000);
    expect(play.state?.kind).toBe("waiting");
  });

  it("after a sleep the connection gets one more chance, and only a short one", () => {
    const play = new Play().online();
    play.now += 3_600_000;
    play.give({ kind: "tick" });
    expect(play.state?.kind).toBe("online");
    expect(play.requests.at(-1)?.method).toBe("ping");
    play.pass(PROBE_MS);
    expect(play.state?.kind).toBe("waiting");
  });

  it.each(["network_gone", "network_back"] as const)(
    "%s makes an open connection prove itself",
    (kind) => {
      const play = new Play().online();
      play.pass(1_000);
      play.give({ kind });
      expect(play.requests.at(-1)?.method).toBe("ping");
      play.pass(PROBE_MS);
      expect(play.state?.kind).toBe("waiting");
    },
  );
});

describe("calls", () => {
  it("what may be repeated waits for a connection, and goes again until it is answered", () => {
    const play = new Play();
    const call = play.call();
    expect(play.said).toEqual([]);
    play.online();
    expect(play.said).toEqual([1]);
    play.lose();
    expect(play.outcome(call)).toBeUndefined();
    play.online();
    expect(play.said).toEqual([1, 1]);
    play.answer("send", { offset: 2, epoch: 1 });
    expect(play.outcome(call)).toEqual({ result: { offset: 2, epoch: 1 } });
    play.lose();
    play.online();
    expect(play.said).toEqual([1, 1]);
  });

  it("what may not be repeated is not begun without a connection, and fails with it", () => {
    const play = new Play();
    expect(play.outcome(play.call({ policy: "once" }))?.error?.name).toBe("disconnected");
    play.online();
    const call = play.call({ policy: "once" });
    play.lose();
    expect(play.outcome(call)?.error).toMatchObject({ name: "disconnected", retry: true });
    play.online();
    expect(play.said).toEqual([2]);
  });

  it("an error that says 'later' is tried later, in the lane's order", () => {
    const play = new Play().online();
    const first = play.call({ lane: "say" });
    const second = play.call({ lane: "say" });
    play.refuse("send", 1051, true);
    expect(play.said).toEqual([1]);
    play.pass(249);
    expect(play.said).toEqual([1]);
    play.pass(1);
    expect(play.said).toEqual([1, 1]);
    play.answer("send", {});
    expect(play.said).toEqual([1, 1, 2]);
    play.refuse("send", 1040);
    expect(play.outcome(first)).toEqual({ result: {} });
    expect(play.outcome(second)?.error).toMatchObject({ name: "key_reused", code: 1040 });
  });

  it("lanes do not wait for one another", () => {
    const play = new Play().online();
    play.call({ lane: "a" });
    play.call({ lane: "a" });
    play.call({ lane: "b" });
    play.call();
    expect(play.said).toEqual([1, 3, 4]);
  });

  it("no more requests are in work at once than the server takes", () => {
    const play = new Play().online();
    for (let count = 0; count < REQUESTS_MAX + 3; count += 1) {
      play.call();
    }
    expect(play.said).toHaveLength(REQUESTS_MAX);
    play.answer("send", {});
    expect(play.said).toHaveLength(REQUESTS_MAX + 1);
  });

  it("no more calls wait than the bound: one more is refused by name", () => {
    const play = new Play();
    for (let count = 0; count < CALLS_MAX; count += 1) {
      expect(play.outcome(play.call())).toBeUndefined();
    }
    expect(play.outcome(play.call())?.error).toMatchObject({ name: "full", retry: true });
    play.online();
    play.answer("send", {});
    expect(play.outcome(play.call())).toBeUndefined();
  });

  it("of what says how things are now only the latest waits", () => {
    const play = new Play();
    const calls = [1, 2, 3].map(() => play.call({ lane: "page", latest: true }));
    expect(calls.map((call) => play.outcome(call)?.error?.name)).toEqual([
      "aborted",
      "aborted",
      undefined,
    ]);
    play.online();
    const newer = play.call({ lane: "page", latest: true });
    play.lose();
    expect(play.outcome(3)?.error?.name).toBe("aborted");
    play.online();
    expect(play.said).toEqual([3, newer]);
  });

  it("what is meant for a session is not done in another one", () => {
    const play = new Play().online(visitor("s1"));
    const call = play.call({ place: "s1" });
    play.lose();
    play.online(visitor("s2"));
    expect(play.outcome(call)?.error?.name).toBe("session_closed");
    expect(play.said).toEqual([1]);
  });

  it("what is meant for the log of one generation is not done in that of another", () => {
    const play = new Play({ asksToken: true }).online(operator(2_000_000), 1);
    const plain = play.call({ lane: "a" });
    const answer = play.call({ lane: "b", place: "1" });
    for (const generation of [1, 2]) {
      play.lose(4009);
      play.online(operator(2_000_000), generation);
    }
    expect(play.said.slice(2)).toEqual([plain, answer, plain]);
    expect(play.outcome(answer)?.error?.name).toBe("session_closed");
    expect(play.outcome(plain)).toBeUndefined();
  });

  it("a message to a closed session is said in a new one", () => {
    const play = new Play().online(visitor("s1"));
    play.call({ lane: "say", renews: true });
    play.call({ lane: "say", renews: true });
    play.refuse("send", 1021);
    expect(play.state?.kind).toBe("connecting");
    play.online(visitor("s2"));
    play.answer("send", {});
    expect(play.said).toEqual([1, 1, 2]);
  });

  it("a message that finds only closed sessions fails in the end", () => {
    const play = new Play().online();
    const call = play.call({ renews: true });
    for (let renewal = 0; renewal < 3; renewal += 1) {
      play.refuse("send", 1021);
      play.online();
    }
    play.refuse("send", 1021);
    expect(play.outcome(call)?.error?.name).toBe("session_closed");
    expect(play.state?.kind).toBe("online");
  });

  it("an aborted call is not sent again, and its answer is ignored", () => {
    const play = new Play().online();
    const call = play.call();
    play.give({ kind: "abort", call });
    play.answer("send", {});
    expect(play.outcome(call)?.error?.name).toBe("aborted");
    play.lose();
    play.online();
    expect(play.said).toEqual([1]);
  });

  it("closing settles everything", () => {
    const play = new Play().online();
    const calls = [play.call(), play.call({ policy: "once" })];
    play.give({ kind: "close" });
    calls.push(play.call());
    expect(calls.map((call) => play.outcome(call)?.error?.name)).toEqual(Array(3).fill("closed"));
    expect(play.state).toEqual({ kind: "closed", reason: "closed by this program" });
    expect(play.machine.wakeAt).toBeUndefined();
  });
});

describe("refreshing the token", () => {
  it("a new one is asked for after two thirds of its life, and presented", () => {
    const play = new Play({ asksToken: true }).online(operator(1_000_000 + 900_000));
    const asks = () => play.effects.filter(({ kind }) => kind === "ask_token").length;
    // Pings are due all the while.
    for (let beats = 0; beats < 24; beats += 1) {
      play.pass(HEARTBEAT - 1);
      play.answer("ping", {});
    }
    expect(asks()).toBe(1);
    play.pass(HEARTBEAT);
    expect(asks()).toBe(2);
    play.give({ kind: "token", ask: 2, token: "fresh" });
    expect(play.requests.at(-1)).toMatchObject({ method: "refresh", params: { token: "fresh" } });
    play.answer("ping", {});
    play.answer("refresh", { expires: play.now + 900_000 });
    play.pass(HEARTBEAT);
    expect(asks()).toBe(2);
    expect(play.state?.kind).toBe("online");
  });

  it("a function that never answers is asked again, and its late answer is not used", () => {
    const play = new Play({ asksToken: true }).online(operator(1_000_000 + 3_000));
    const asks = () => play.effects.filter(({ kind }) => kind === "ask_token").length;
    play.pass(2_000);
    expect(asks()).toBe(2);
    for (let second = 0; second < TOKEN_MAX_MS / 1_000; second += 1) {
      expect(asks()).toBe(2);
      play.pass(1_000);
      play.give({ kind: "alive", link: play.link });
      play.answer("ping", {});
    }
    expect(asks()).toBe(3);
    play.give({ kind: "token", ask: 2, token: "late" });
    expect(play.requests.filter(({ method }) => method === "refresh")).toEqual([]);
    play.give({ kind: "token", ask: 3, token: "fresh" });
    expect(play.requests.at(-1)).toMatchObject({ method: "refresh", params: { token: "fresh" } });
  });

  it("no socket is opened before there is a token, and it then has all its time", () => {
    const play = new Play({ asksToken: true });
    play.give({ kind: "start" });
    play.pass(TOKEN_MAX_MS - 1);
    expect(play.link).toBe(0);
    play.give({ kind: "token", ask: 1, token: "t" });
    expect(play.link).toBe(1);
    play.pass(OPEN_MAX_MS - 1);
    expect(play.state?.kind).toBe("connecting");
    play.pass(1);
    expect(play.state).toMatchObject({ reason: "the server did not answer in time" });
  });

  it("bye for an expired token is no end if there is a function", () => {
    const play = new Play({ asksToken: true }).online(operator(9_000_000));
    const params = { code: 4503, reason: "token_expired", reconnect: false };
    play.message({ kind: "notification", method: "bye", params });
    expect(play.state).toMatchObject({ kind: "waiting", reason: "token_expired" });
  });

  it("who waits for a token when the connection is lost or closed hears of that", () => {
    const play = new Play({ asksToken: true }).online(operator(9_000_000));
    play.give({ kind: "refresh", call: 70 });
    play.lose();
    expect(play.outcome(70)?.error).toMatchObject({ name: "disconnected", retry: true });
    play.online(operator(9_000_000));
    play.give({ kind: "refresh", call: 71 });
    play.give({ kind: "close" });
    expect(play.outcome(71)?.error?.name).toBe("closed");
    expect(play.machine.wakeAt).toBeUndefined();
  });

  it("who asks for it hears when it is done, or why it is not", () => {
    const play = new Play({ asksToken: true });
    play.give({ kind: "refresh", call: 70 });
    expect(play.outcome(70)?.error?.name).toBe("disconnected");
    play.online(operator(9_000_000));
    play.give({ kind: "refresh", call: 71 });
    play.give({ kind: "refresh", call: 72 });
    play.give({ kind: "token", ask: 2, token: "fresh" });
    play.give({ kind: "refresh", call: 73 });
    expect(play.outcome(71)).toBeUndefined();
    play.give({ kind: "token", ask: 3, token: "fresher" });
    play.refuse("refresh", 1002);
    for (const call of [71, 72, 73]) {
      expect(play.outcome(call)?.error?.name).toBe("unauthorized");
    }
    play.give({ kind: "refresh", call: 74 });
    play.give({ kind: "token", ask: 4, token: "freshest" });
    play.answer("refresh", { expires: 9_900_000 });
    expect(play.outcome(74)).toEqual({ result: undefined });
    expect(play.state?.kind).toBe("online");
  });
});

describe("whatever happens", () => {
  it("every call is settled once, nothing is sent on a dead connection, and closing ends all", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = generator(seed);
      const play = new Play({ asksToken: seed % 2 === 0, random });
      const calls: number[] = [];
      play.give({ kind: "start" });
      let alive = play.link;
      for (let step = 0; step < 150; step += 1) {
        const before = play.effects.length;
        const [chance, detail] = [random(), random()];
        if (chance < 0.3) {
          const lane = detail < 0.5 ? { lane: "say" } : {};
          const policy = detail < 0.2 ? "once" : detail < 0.3 ? "link" : "retry";
          calls.push(play.call({ ...lane, policy, renews: detail > 0.9 }));
        } else if (chance < 0.55) {
          const request = play.requests.at(-1 - Math.floor(detail * 3));
          const codes = [1021, 1051, 1040, 1002];
          const code = codes[Math.floor(random() * 12)];
          play.message(
            code === undefined
              ? { kind: "response", id: request?.id ?? 0, result: connected(visitor(), play.now) }
              : {
                  kind: "response",
                  id: request?.id ?? 0,
                  error: { code, message: "no", retry: code === 1051 },
                },
          );
        } else if (chance < 0.62) {
          play.lose(detail < 0.5 ? 0 : 4001);
        } else if (chance < 0.75) {
          play.give({ kind: "opened", link: play.link });
        } else if (chance < 0.8) {
          play.give({ kind: "token", ask: Math.ceil(detail * 20), token: "t" });
        } else if (chance < 0.85) {
          play.give({ kind: "abort", call: Math.ceil(detail * 60) });
        } else {
          play.pass(Math.floor(detail * 20_000));
        }
        for (const effect of play.effects.slice(before)) {
          if (effect.kind === "open") {
            alive = effect.link;
          } else if (effect.kind === "shut") {
            alive = 0;
          } else if (effect.kind === "send") {
            expect(effect.link).toBe(alive);
          }
        }
      }
      play.give({ kind: "close" });
      for (const call of calls) {
        expect(play.outcome(call), `seed ${seed}, call ${call}`).toBeDefined();
      }
      expect(play.machine.wakeAt).toBeUndefined();
    }
  });
});

/** Numbers from 0 to 1 that look random and are the same every time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
  };
}
