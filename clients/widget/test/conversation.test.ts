import type { Author, Event, EventBody } from "@vigie/client/core";
import { describe, expect, it } from "vitest";
import { EMPTY, fold, openChoices, unreadAfter } from "../src/model/conversation.ts";
import { GROUP_PAUSE, layOut } from "../src/model/rows.ts";

const visitor: Author = { kind: "visitor" };
const system: Author = { kind: "system" };
const bot: Author = { kind: "bot", name: "Plume" };
const operator = (name: string): Author => ({ kind: "operator", name });
const START = new Date(2026, 2, 3, 12).getTime();

/** A log: each entry a minute after the one before. */
function log(...entries: [Author, EventBody][]): Event[] {
  return entries.map(([author, body], at) => {
    return { offset: at + 2, time: START + at * 60_000, author, body };
  });
}

const says = (text: string, epoch = 1): EventBody => ({ type: "message", text, epoch });
const taken = (name: string, epoch: number): EventBody => ({
  type: "control_changed",
  epoch,
  holder: { kind: "operator", name },
  previous: { kind: "bot" },
  cause: "take_over",
  notice: `${name} is here`,
});
const released = (epoch: number): EventBody => ({
  type: "control_changed",
  epoch,
  holder: { kind: "bot" },
  previous: { kind: "operator", name: "Ann" },
  cause: "release",
});

const after = (...entries: [Author, EventBody][]) => fold(EMPTY, log(...entries));

describe("a conversation", () => {
  it("owes an answer from the visitor's words to the bot's", () => {
    const asked = after([visitor, says("hi")]);
    expect(asked.botAnswers).toBe(true);
    expect(fold(asked, log([bot, says("hello")])).botAnswers).toBe(false);
  });

  it("owes nothing while a human answers, and again after they handed back unanswered", () => {
    const human = after([operator("Ann"), taken("Ann", 2)], [visitor, says("hi", 2)]);
    expect(human.botAnswers).toBe(false);
    expect(fold(human, log([operator("Ann"), released(3)])).botAnswers).toBe(true);
    const answered = fold(human, log([operator("Ann"), says("yes", 2)], [system, released(3)]));
    expect(answered.botAnswers).toBe(false);
  });

  it("shows the operator by the latest name that their messages carry under this epoch", () => {
    const named = after([operator("Ann"), taken("Ann", 2)], [operator("Ann B."), says("hi", 2)]);
    expect(named.operator).toBe("Ann B.");
    const next = fold(named, log([operator("Bob"), taken("Bob", 3)]));
    expect(next.operator).toBe("Bob");
    expect(fold(next, log([system, released(4)])).operator).toBeUndefined();
  });

  it("waits for a human from the request until one comes", () => {
    const waiting = after([visitor, { type: "human_requested" }], [bot, says("meanwhile")]);
    expect(waiting.waiting).toBe(true);
    const here = fold(waiting, log([operator("Ann"), taken("Ann", 2)]));
    expect([here.waiting, here.operator]).toEqual([false, "Ann"]);
    expect(fold(here, log([system, released(3)])).waiting).toBe(false);
  });

  it("says that the bot failed until somebody says more", () => {
    const failed = after(
      [visitor, says("hi")],
      [system, { type: "bot_failed", epoch: 1, turn: 2, reason: "timeout" }],
    );
    expect([failed.botFailed, failed.botAnswers]).toEqual([true, false]);
    expect(fold(failed, log([visitor, says("again")])).botFailed).toBe(false);
  });

  it("can be rated after its end", () => {
    const closed = after(
      [operator("Ann"), taken("Ann", 2)],
      [visitor, { type: "session_closed", cause: "visitor" }],
    );
    expect([closed.closed, closed.operator]).toEqual([true, undefined]);
    const rated = fold(closed, log([visitor, { type: "session_rated", score: 4, comment: "ok" }]));
    expect(rated.rated).toBe(true);
  });

  it("is the same folded at once and one by one", () => {
    const events = log(
      [visitor, says("hi")],
      [bot, says("hello")],
      [visitor, { type: "human_requested" }],
      [operator("Ann"), taken("Ann", 2)],
      [operator("Anna"), says("yes", 2)],
      [operator("Anna"), released(3)],
      [system, { type: "session_closed", cause: "away" }],
    );
    const single = events.reduce((so, event) => fold(so, [event]), EMPTY);
    expect(single).toEqual(fold(EMPTY, events));
  });

  it("offers the last message's choices only while it is the last", () => {
    const choices = [{ label: "Yes" }];
    const offered = after([bot, { type: "message", text: "Sure?", epoch: 1, choices }]);
    expect(openChoices(offered)).toEqual(choices);
    expect(openChoices(fold(offered, log([visitor, says("Yes")])))).toEqual([]);
    expect(openChoices(fold(offered, log([operator("Ann"), taken("Ann", 2)])))).toEqual([]);
  });

  it("counts what others said after an offset", () => {
    const some = after(
      [visitor, { type: "message", text: "hi", epoch: 1, key: "k" }],
      [bot, says("a")],
      [bot, says("b")],
    );
    expect([0, 3, 4].map((offset) => unreadAfter(some, offset))).toEqual([2, 1, 0]);
  });

  it("passes over what it does not know", () => {
    const unknown = { type: "moon_landed" } as unknown as EventBody;
    expect(after([system, unknown]).entries).toEqual([]);
  });
});

describe("the layout", () => {
  it("groups what one person says in a row, by day", () => {
    const said = after(
      [visitor, says("a")],
      [visitor, says("b")],
      [bot, says("c")],
      [operator("Ann"), taken("Ann", 2)],
      [operator("Ann"), says("d", 2)],
    );
    const rows = layOut(said.entries, []);
    expect(
      rows.map((row) => (row.kind === "group" ? row.bubbles.map((b) => b.text) : row.kind)),
    ).toEqual(["day", ["a", "b"], ["c"], "told", ["d"]]);
  });

  it("begins a new group after a pause, and a new day at midnight", () => {
    const entry = (time: number) => ({ ...said, time });
    const [said] = after([visitor, says("a")]).entries;
    if (said === undefined) {
      throw new Error("nothing was said");
    }
    const kinds = (times: number[]) =>
      layOut(times.map(entry) as never, []).map(({ kind }) => kind);
    expect(kinds([START, START + GROUP_PAUSE])).toEqual(["day", "group", "group"]);
    const midnight = new Date(2026, 2, 4).getTime();
    expect(kinds([midnight - 1, midnight])).toEqual(["day", "group", "day", "group"]);
  });

  it("keeps a message's identity from its writing to its place in the log", () => {
    const waiting = { key: "k", text: "hi", time: START, tab: "t", state: "sending" } as const;
    const [before] = layOut([], [waiting]).slice(1);
    const told = after([visitor, { type: "message", text: "hi", epoch: 1, key: "k" }]);
    const [later] = layOut(told.entries, []).slice(1);
    expect(before?.id).toBe("k");
    expect(later?.id).toBe("k");
  });
});
