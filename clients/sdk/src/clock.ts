// Time and chance come in by one door, so that tests can hold both.

/** Where a client gets time and chance from. Tests give one of their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `handler` once, after `delay` milliseconds at the earliest. Returns what `clearTimeout` takes. */
  setTimeout(handler: () => void, delay: number): unknown;
  /** Calls a `setTimeout` off. */
  clearTimeout(timer: unknown): void;
  /** A number from 0 (included) to 1 (excluded), evenly distributed. */
  random(): number;
}

/** The clock of the platform: the default. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (handler, delay) => setTimeout(handler, delay),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  random: () => Math.random(),
};
