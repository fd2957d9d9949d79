import { signal } from "@preact/signals";
import type { AlertKind } from "@vigie/client";
import { beforeEach, describe, expect, it } from "vitest";
import {
  RING_AGAIN_MS,
  RING_ROUNDS_MAX,
  RINGING_MAX,
  SOUND_GAP_MS,
} from "../../src/model/bounds.ts";
import { Ringer } from "../../src/model/notifications.ts";
import type { NotifyChoice } from "../../src/model/types.ts";
import { card } from "./fixtures.ts";
import { HandClock, testPorts } from "./support.ts";

let clock: HandClock;
let test: ReturnType<typeof testPorts>;
const choice = signal<NotifyChoice>("new");
let ringer: Ringer;

beforeEach(() => {
  clock = new HandClock();
  test = testPorts({ clock });
  choice.value = "new";
  ringer = new Ringer(test.ports, choice);
});

const ring = (kind: AlertKind, session = "s", inSight = false) => {
  clock.pass(SOUND_GAP_MS);
  ringer.ring(
    { kind, card: card(session) },
    { site: "shop", siteName: "Corner shop", inSight, opened: () => {} },
  );
};
const heard = () => test.sounds.map(({ kind }) => kind);

describe("what rings", () => {
  it.each([
    ["all", ["new", "message", "waiting"]],
    ["new", ["new", "waiting"]],
    ["none", []],
  ] as const)("by the choice %s is %j", (chosen, expected) => {
    choice.value = chosen;
    ring("new");
    ring("message");
    ring("waiting");
    expect(heard()).toEqual(expected);
    expect(test.notices.map(({ kind }) => kind)).toEqual(expected);
  });

  it("is heard as one sound when much comes at once", () => {
    ring("new", "a");
    ringer.ring(
      { kind: "new", card: card("b") },
      { site: "shop", siteName: "Corner shop", inSight: false, opened: () => {} },
    );
    expect(heard()).toEqual(["new"]);
    expect(test.notices).toHaveLength(2);
  });

  it("is heard in the leading tab only", () => {
    test.lead.leads = false;
    ring("new");
    expect(heard()).toEqual([]);
    expect(test.notices).toEqual([]);
  });

  it("needs no desktop notification when it is before the operator's eyes", () => {
    ring("new", "s", true);
    expect(heard()).toEqual(["new"]);
    expect(test.notices).toEqual([]);
  });
});

describe("a visitor who waits", () => {
  it("rings again, but not for ever", () => {
    ring("waiting");
    expect(ringer.ringing.value).toBe(1);
    clock.pass(RING_AGAIN_MS * RING_ROUNDS_MAX * 2);
    expect(test.sounds.map(({ round }) => round)).toEqual(
      Array.from({ length: RING_ROUNDS_MAX }, (_, index) => index + 1),
    );
    expect(ringer.ringing.value).toBe(0);
  });

  it.each<[string, () => void]>([
    ["somebody has taken the conversation", () => ringer.quiet("shop", "s")],
    ["their card says that somebody has", () => ringer.taken("shop", "s")],
    ["the connection is lost", () => ringer.quietAll("shop")],
    [
      "the operator wants quiet",
      () => {
        choice.value = "none";
      },
    ],
  ])("rings no more when %s", (_, end) => {
    ring("waiting");
    clock.pass(RING_AGAIN_MS);
    expect(test.sounds).toHaveLength(2);
    end();
    clock.pass(RING_AGAIN_MS * RING_ROUNDS_MAX);
    expect(test.sounds).toHaveLength(2);
    expect(ringer.ringing.value).toBe(0);
  });

  it("takes its desktop notification along", () => {
    ring("waiting");
    ringer.quiet("shop", "s");
    expect(test.hidden).toEqual(["shop/s"]);
  });

  it("is one of a bounded number that ring", () => {
    for (let number = 0; number < RINGING_MAX + 5; number += 1) {
      ring("waiting", `s${number}`);
    }
    expect(ringer.ringing.value).toBe(RINGING_MAX);
  });

  it("goes on ringing in another tab that begins to lead", () => {
    test.lead.leads = false;
    ring("waiting");
    test.lead.leads = true;
    clock.pass(RING_AGAIN_MS);
    expect(test.sounds.map(({ round }) => round)).toEqual([2]);
  });
});

it("says that the browser blocks sound, and that it does no more", async () => {
  test.ready.value = false;
  expect(ringer.sound.value).toBe("blocked");
  await ringer.unlock();
  expect(ringer.sound.value).toBe("ready");
});
