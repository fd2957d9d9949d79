/** The widget's own pictures, drawn on a grid of 24. */
const PATHS = {
  chat: "M12 3.5c-5 0-9 3.3-9 7.5 0 2.4 1.3 4.5 3.4 5.9-.1 1.1-.6 2.2-1.5 3.1-.2.3 0 .7.4.6 1.9-.2 3.6-1 4.9-2.2 5 .6 10.8-2.4 10.8-7.4 0-4.2-4-7.5-9-7.5Z",
  down: "m6 9 6 6 6-6",
  close: "M6 6l12 12M18 6 6 18",
  send: "M12 19V5m0 0-6 6m6-6 6 6",
  more: "M5 12h0M12 12h0M19 12h0",
  star: "m12 4 2.5 5 5.5.8-4 3.9 1 5.5-5-2.6-5 2.6 1-5.5-4-3.9L9.5 9 12 4Z",
  spark: "M12 3.5c.7 4.6 3.9 7.8 8.5 8.5-4.6.7-7.8 3.9-8.5 8.5-.7-4.6-3.9-7.8-8.5-8.5 4.6-.7 7.8-3.9 8.5-8.5Z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c.6-3.4 3.6-5.5 7.5-5.5s6.9 2.1 7.5 5.5",
  check: "m5 12.5 4.5 4.5L19 7.5",
};

export type IconName = keyof typeof PATHS;

/** Stands beside or inside what has a name of its own, so it is hidden from screen readers. */
export function icon(name: IconName) {
  return (
    <svg class={`icon ${name}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
