/** The widget's own pictures, drawn on a grid of 24. */
const PATHS = {
  chat: "M12 4a9 7.5 0 0 0-5 13.8L6 21l4.5-2.1A9 7.5 0 1 0 12 4Z",
  down: "m6 9 6 6 6-6",
  close: "M6 6l12 12M18 6 6 18",
  send: "M12 19V5m0 0-6 6m6-6 6 6",
  more: "M5 12h0M12 12h0M19 12h0",
  star: "m12 4 2.5 5 5.5.8-4 3.9 1 5.5-5-2.6-5 2.6 1-5.5-4-3.9L9.5 9 12 4Z",
  spark: "M12 3q1 8 9 9-8 1-9 9-1-8-9-9 8-1 9-9Z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM5 20q1-5 7-5t7 5",
  check: "m5 12.5 4.5 4.5L19 7.5",
};

export type IconName = keyof typeof PATHS;

/** Stands beside or inside what has a name of its own, so it is hidden from screen readers. */
export function icon(name: IconName) {
  return (
    <svg class={`icon i-${name}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
