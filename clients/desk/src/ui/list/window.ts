/** Which rows of a long list are worth rendering, and where the list stays when rows move. */

/** Rows rendered beyond the visible ones, so that a quick scroll shows no gap. */
export const OVERSCAN_ROWS = 6;

export interface Viewport {
  readonly scrollTop: number;
  readonly height: number;
  readonly rowHeight: number;
}

/** Rows, both inclusive; `last` is below `first` when there is none. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** The rows of which any part is in sight. */
export function visibleRows({ scrollTop, height, rowHeight }: Viewport, size: number): Range {
  if (size === 0 || height <= 0) return { first: 0, last: -1 };
  const first = clamp(Math.floor(scrollTop / rowHeight), 0, size - 1);
  const last = clamp(Math.ceil((scrollTop + height) / rowHeight) - 1, first, size - 1);
  return { first, last };
}

/** The visible rows with a margin on both sides. */
export function renderedRows(visible: Range, size: number): Range {
  if (visible.last < visible.first) return visible;
  return {
    first: Math.max(0, visible.first - OVERSCAN_ROWS),
    last: Math.min(size - 1, visible.last + OVERSCAN_ROWS),
  };
}

/** Where to scroll so that a row is in sight as a whole; `null`: it is. */
export function scrollToRow(
  index: number,
  { scrollTop, height, rowHeight }: Viewport,
): number | null {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height;
  return null;
}

/**
 * Where to scroll so that the row that was on top stays there, although rows came or went above
 * it. At the very top the list stays at the top: there one wants to see what is new.
 */
export function keptPlace(
  scrollTop: number,
  rowHeight: number,
  before: number,
  after: number,
): number {
  if (scrollTop <= 0 || after < 0) return scrollTop;
  return Math.max(0, scrollTop + (after - before) * rowHeight);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
