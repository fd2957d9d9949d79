import { describe, expect, it } from "vitest";
import {
  keptPlace,
  OVERSCAN_ROWS,
  renderedRows,
  scrollToRow,
  visibleRows,
} from "../../src/ui/list/window.ts";

const viewport = { scrollTop: 0, height: 600, rowHeight: 88 };

describe("the window over a long list", () => {
  it("shows the rows of which any part is in sight", () => {
    expect(visibleRows(viewport, 10_000)).toEqual({ first: 0, last: 6 });
    expect(visibleRows({ ...viewport, scrollTop: 87 }, 10_000)).toEqual({ first: 0, last: 7 });
    expect(visibleRows({ ...viewport, scrollTop: 88 }, 10_000)).toEqual({ first: 1, last: 7 });
  });

  it("shows no rows of an empty list, nor before it has a height", () => {
    for (const range of [visibleRows(viewport, 0), visibleRows({ ...viewport, height: 0 }, 9)]) {
      expect(range.last).toBeLessThan(range.first);
      expect(renderedRows(range, 9)).toEqual(range);
    }
  });

  it("stays inside the list when it has become shorter than it was scrolled", () => {
    expect(visibleRows({ ...viewport, scrollTop: 88_000 }, 3)).toEqual({ first: 2, last: 2 });
  });

  it("renders a margin on both sides, as far as there are rows", () => {
    expect(renderedRows({ first: 50, last: 56 }, 10_000)).toEqual({
      first: 50 - OVERSCAN_ROWS,
      last: 56 + OVERSCAN_ROWS,
    });
    expect(renderedRows({ first: 1, last: 6 }, 8)).toEqual({ first: 0, last: 7 });
  });

  it("renders as many rows for ten thousand sessions as for a hundred", () => {
    const rows = (size: number) => {
      const { first, last } = renderedRows(
        visibleRows({ ...viewport, scrollTop: 2_000 }, size),
        size,
      );
      return last - first + 1;
    };
    expect(rows(10_000)).toBe(rows(100));
  });

  it("scrolls to a row only when it is not in sight as a whole", () => {
    expect(scrollToRow(2, viewport)).toBeNull();
    expect(scrollToRow(6, viewport)).toBe(7 * 88 - 600);
    expect(scrollToRow(0, { ...viewport, scrollTop: 40 })).toBe(0);
  });

  it("keeps the rows in place that one reads while others come above them", () => {
    expect(keptPlace(880, 88, 10, 13)).toBe(880 + 3 * 88);
    expect(keptPlace(880, 88, 10, 8)).toBe(880 - 2 * 88);
  });

  it("stays at the top when one is there, and where it is when the row has gone", () => {
    expect(keptPlace(0, 88, 0, 1)).toBe(0);
    expect(keptPlace(880, 88, 10, -1)).toBe(880);
  });
});
