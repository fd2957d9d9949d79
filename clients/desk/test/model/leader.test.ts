import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../../../sdk/test/engine.ts";
import { GONE_AFTER_MS, type LeaderMeans, openLeader } from "../../src/model/leader.ts";
import type { Leader } from "../../src/model/types.ts";
import { HandClock } from "./support.ts";

/** Locks as browsers have them: one holder, the others queue. */
class Locks {
  #queue: (() => Promise<unknown>)[] = [];
  #held = false;

  readonly request = ((
    _name: string,
    { signal }: { signal: AbortSignal },
    hold: () => Promise<unknown>,
  ) =>
    new Promise((resolve, reject) => {
      const enter = () => hold().then(resolve);
      signal.addEventListener("abort", () => {
        this.#queue = this.#queue.filter((one) => one !== enter);
        reject(new DOMException("aborted", "AbortError"));
      });
      this.#queue.push(enter);
      this.#next();
    })) as unknown as LockManager["request"];

  #next(): void {
    const enter = this.#held ? undefined : this.#queue.shift();
    if (enter !== undefined) {
      this.#held = true;
      void enter().then(() => {
        this.#held = false;
        this.#next();
      });
    }
  }
}

const open: Leader[] = [];
const channel = (name: string) => new BroadcastChannel(name);
let tabs = 0;

function tab(means: LeaderMeans, clock = new HandClock()): Leader {
  tabs += 1;
  const leader = openLeader(means, clock, `tab-${tabs}`);
  open.push(leader);
  return leader;
}

afterEach(() => {
  for (const leader of open.splice(0)) {
    leader.stop();
  }
});

const leading = (leaders: Leader[]) => leaders.map((leader) => leader.leads());

describe.each<[string, () => LeaderMeans]>([
  [
    "with locks",
    () => {
      const { request } = new Locks();
      return { locks: { request }, channel };
    },
  ],
  ["without locks", () => ({ channel })],
])("of several tabs %s", (_, make) => {
  it("exactly one leads, and another after it has gone", async () => {
    const means = make();
    const clock = new HandClock();
    const first = tab(means, clock);
    clock.pass(1);
    const second = tab(means, clock);
    await eventually("one leader", () => first.leads() && !second.leads());
    first.stop();
    await eventually("the other to lead", () => second.leads());
  });

  it("one that may play sounds leads before one that may not", async () => {
    const means = make();
    const clock = new HandClock();
    const blocked = tab(means, clock);
    clock.pass(1);
    const ready = tab(means, clock);
    await eventually("the first to lead", () => blocked.leads() && !ready.leads());
    ready.setFit(true);
    await eventually("the one that is fit", () => ready.leads() && !blocked.leads());
    clock.pass(1);
    const late = tab(means, clock);
    late.setFit(true);
    await eventually(
      "the older one to stay",
      () => leading([blocked, ready, late]).join() === "false,true,false",
    );
  });
});

it("a tab that has died without a word is not waited for", async () => {
  const clock = new HandClock();
  const dead = new BroadcastChannel("vigie-desk-tabs");
  const alive = tab({ channel }, clock);
  dead.postMessage({ id: "a", fit: true, since: 0, ask: false, gone: false });
  await eventually("the other to lead", () => !alive.leads());
  dead.close();
  clock.pass(GONE_AFTER_MS + 1);
  expect(alive.leads()).toBe(true);
});

it("a browser without any means lets each tab ring", () => {
  expect(leading([tab({}), tab({})])).toEqual([true, true]);
});
