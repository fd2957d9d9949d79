import { describe, expect, it } from "vitest";
import type { MessageItem } from "../../src/model/types.ts";
import { threadRows } from "../../src/ui/conversation/rows.ts";

const MINUTE = 60_000;
const noon = new Date(2026, 5, 17, 12).getTime();

const said = (offset: number, time: number, name?: string): MessageItem => ({
  kind: "message",
  part: name === undefined ? "visitor" : "operator",
  offset,
  time,
  author: name === undefined ? { kind: "visitor" } : { kind: "operator", id: name, name },
  text: "hello",
  choices: [],
  mine: false,
});

const shape = (items: readonly MessageItem[]) =>
  threadRows(items).map((row) => (row.kind === "day" ? "day" : row.joined ? "joined" : "item"));

describe("the lines of a thread", () => {
  it("begin each day with the day", () => {
    expect(shape([said(1, noon - 24 * 60 * MINUTE), said(2, noon)])).toEqual([
      "day",
      "item",
      "day",
      "item",
    ]);
  });

  it("join what one author says within five minutes", () => {
    expect(shape([said(1, noon), said(2, noon + MINUTE), said(3, noon + 7 * MINUTE)])).toEqual([
      "day",
      "item",
      "joined",
      "item",
    ]);
  });

  it("never join two authors", () => {
    expect(shape([said(1, noon, "Marta"), said(2, noon, "Anna"), said(3, noon)])).toEqual([
      "day",
      "item",
      "item",
      "item",
    ]);
  });
});
