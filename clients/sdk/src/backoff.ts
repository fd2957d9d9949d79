// How long to wait before something is tried again: a random time from a range that doubles ("full
// jitter"), so that thousands of clients do not come back in the same moment.

/** The range of the first wait, in milliseconds. */
export const BACKOFF_FIRST_MS = 500;

/** The range never grows beyond this, in milliseconds. */
export const BACKOFF_MAX_MS = 30_000;

/**
 * How long to wait, in milliseconds.
 *
 * @param failures - How many attempts have failed before this one.
 * @param random - From 0 to 1.
 */
export function backoff(failures: number, random: number): number {
  return Math.floor(random * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures));
}
