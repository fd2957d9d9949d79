// What the model's tests share: a browser that is not there, and people at a real engine.

import { signal } from "@preact/signals";
import { connectVisitor, type VisitorClient, type VisitorOptions, webSocket } from "@vigie/client";
import WebSocket from "ws";
import { type Engine, eventually, ORIGIN } from "../../../sdk/test/engine.ts";
import { createDesk } from "../../src/model/desk.ts";
import { Http } from "../../src/model/http.ts";
import type {
  Clock,
  Conversation,
  Desk,
  DesktopNotice,
  DesktopPermission,
  Ports,
  SiteDesk,
  SoundRequest,
  Storage,
} from "../../src/model/types.ts";

/** A clock that goes only when it is told to. */
export class HandClock implements Clock {
  time = 1_767_268_800_000;
  #timers: { at: number; run: () => void }[] = [];
  #frames: (() => void)[] = [];

  now(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  frame(run: () => void): () => void {
    this.#frames.push(run);
    return () => {
      this.#frames = this.#frames.filter((one) => one !== run);
    };
  }

  /** Lets time pass, timer by timer. */
  pass(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) {
        break;
      }
      this.#timers = this.#timers.filter((one) => one !== due);
      this.time = Math.max(this.time, due.at);
      due.run();
    }
    this.time = until;
  }

  /** Paints a frame; says how many things were waiting for it. */
  paint(): number {
    const frames = this.#frames;
    this.#frames = [];
    for (const run of frames) {
      run();
    }
    return frames.length;
  }
}

/** The real clock, with frames as a hidden tab has them. */
export const realClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  frame: (run) => {
    const timer = setTimeout(run, 10);
    return () => clearTimeout(timer);
  },
};

/** A storage in memory; tabs that share it hear of each other's changes. */
export class MemoryStorage implements Storage {
  readonly kept = new Map<string, string>();
  readonly #listeners = new Set<{
    of: MemoryStorage;
    run: (key: string, value: string | null) => void;
  }>();
  readonly #origin: MemoryStorage;

  constructor(origin?: MemoryStorage) {
    this.#origin = origin ?? this;
    if (origin !== undefined) {
      this.kept = origin.kept;
    }
  }

  /** The same storage as another tab has it. */
  tab(): MemoryStorage {
    return new MemoryStorage(this.#origin);
  }

  get(key: string): string | null {
    return this.kept.get(key) ?? null;
  }

  set(key: string, value: string): void {
    this.kept.set(key, value);
    this.#tell(key, value);
  }

  remove(key: string): void {
    this.kept.delete(key);
    this.#tell(key, null);
  }

  changed(run: (key: string, value: string | null) => void): () => void {
    const listener = { of: this as MemoryStorage, run };
    this.#origin.#listeners.add(listener);
    return () => this.#origin.#listeners.delete(listener);
  }

  #tell(key: string, value: string | null): void {
    for (const { of, run } of this.#origin.#listeners) {
      if (of !== this) {
        run(key, value);
      }
    }
  }
}

/** Ports that note down what they are asked for. */
export function testPorts(more: Partial<Ports> = {}) {
  const sounds: SoundRequest[] = [];
  const notices: DesktopNotice[] = [];
  const hidden: string[] = [];
  const ready = signal(true);
  const visible = signal(true);
  const lead = { leads: true };
  const ports: Ports = {
    origin: "http://127.0.0.1:1",
    clock: realClock,
    local: new MemoryStorage(),
    tab: new MemoryStorage(),
    sound: {
      ready,
      unlock: async () => {
        ready.value = true;
      },
      play: (request) => sounds.push(request),
    },
    notifier: {
      permission: signal<DesktopPermission>("granted"),
      ask: async () => {},
      show: (notice) => notices.push(notice),
      hide: (tag) => hidden.push(tag),
    },
    leader: { leads: () => lead.leads, setFit: () => {}, stop: () => {} },
    address: { fragment: () => "", clearFragment: () => {} },
    visible,
    fetch,
    ...more,
  };
  return { ports, sounds, notices, hidden, ready, visible, lead };
}

/** A browser's `fetch`, with a jar for the one cookie and the origin of the page. */
export function cookieFetch(
  origin: string,
  jar: { cookie: string } = { cookie: "" },
): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("Origin", origin);
    if (jar.cookie !== "") {
      headers.set("Cookie", jar.cookie);
    }
    const answer = await fetch(input, { ...init, headers });
    for (const set of answer.headers.getSetCookie()) {
      const [pair = ""] = set.split(";");
      jar.cookie = pair.endsWith("=") ? "" : pair;
    }
    return answer;
  };
}

export const PASSWORD = "correct horse battery";

/** Where the engine is, to a page of its own. */
export function originOf(engine: Engine): string {
  return `http://${engine.http}`;
}

/** The code of the invitation for the first admin. */
export async function firstInvitation(engine: Engine): Promise<string> {
  return eventually("the first invitation", () => {
    const line = engine.lines.find((one) => one.startsWith("first admin: "));
    return /#invitation=(\S+)$/.exec(line ?? "")?.[1];
  });
}

/** Makes accounts: the first is the admin `ann`, the others as named. */
export async function hire(
  engine: Engine,
  others: Record<string, "agent" | "supervisor" | "admin"> = {},
): Promise<void> {
  const origin = originOf(engine);
  const admin = new Http(origin, cookieFetch(origin));
  const account = (login: string, displayName: string) => ({
    login,
    displayName,
    password: PASSWORD,
  });
  await admin.accept(await firstInvitation(engine), account("ann", "Ann"));
  for (const [login, rank] of Object.entries(others)) {
    const { link } = await admin.invite("shop", rank);
    const code = new URLSearchParams(new URL(link).hash.slice(1)).get("invitation") ?? "";
    const name = login.charAt(0).toUpperCase() + login.slice(1);
    await new Http(origin, cookieFetch(origin)).accept(code, account(login, name));
  }
}

/** A desk in a browser of its own. */
export class Desktop {
  readonly desk: Desk;
  readonly jar = { cookie: "" };
  readonly test: ReturnType<typeof testPorts>;

  constructor(engine: Engine, more: Partial<Ports> = {}, jar?: { cookie: string }) {
    this.jar = jar ?? this.jar;
    this.test = testPorts({
      origin: originOf(engine),
      fetch: cookieFetch(originOf(engine), this.jar),
      transport: webSocket({ WebSocket }),
      ...more,
    });
    this.desk = createDesk(this.test.ports);
  }

  get site(): SiteDesk {
    const { value } = this.desk.site;
    if (value === null) {
      throw new Error("no site is shown");
    }
    return value;
  }

  get active(): Conversation {
    const { value } = this.site.active;
    if (value === null) {
      throw new Error("no conversation is shown");
    }
    return value;
  }

  /** Signs in, and waits until the site's list is there. */
  async signIn(login: string): Promise<this> {
    await this.desk.start();
    if (this.desk.stage.value !== "desk") {
      await this.desk.signIn(login, PASSWORD);
    }
    return this.settled();
  }

  async settled(): Promise<this> {
    await eventually("the desk to be online", () => this.site.connection.value.kind === "online");
    await eventually("the list", () => this.site.list.totals.value !== null);
    return this;
  }

  /** Opens a session, and waits until its thread is there. */
  async open(session: string): Promise<Conversation> {
    const conversation = this.site.open(session);
    await eventually("the thread", () => !conversation.loading.value);
    return conversation;
  }
}

/** A visitor of the shop. */
export function visit(engine: Engine, more: Partial<VisitorOptions> = {}): VisitorClient {
  return connectVisitor({
    url: engine.ws,
    site: "shop",
    transport: webSocket({
      WebSocket: class extends WebSocket {
        constructor(url: string, subprotocols: string[]) {
          super(url, subprotocols, { headers: { Origin: ORIGIN } });
        }
      },
    }),
    ...more,
  });
}

/** What a thread says, in order. */
export function texts(conversation: Conversation): string[] {
  return conversation.items.value.flatMap((item) => (item.kind === "message" ? [item.text] : []));
}
