/** The widget's own pictures, drawn on a grid of 24. */
const PATHS = {
  chat: "M12 3.5c-5 0-9 3.3-9 7.5 0 2.4 1.3 4.5 3.4 5.9-.1 1.1-.6 2.2-1.5 3.1-.2.3 0 .7.4.6 1.9-.2 3.6-1 4.9-2.2.6.1 1.2.1 1.8.1 5 0 9-3.3 9-7.5s-4-7.5-9-7.5Z",
  down: "m5.5 9 6.5 6.5L18.5 9",
  close: "M6 6l12 12M18 6 6 18",
  send: "M12 19V5m0 0-6 6m6-6 6 6",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  star: "m12 3.6 2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8L3.6 9.7l5.8-.8L12 3.6Z",
  spark:
    "M12 3.5c.7 4.6 3.9 7.8 8.5 8.5-4.6.7-7.8 3.9-8.5 8.5-.7-4.6-3.9-7.8-8.5-8.5 4.6-.7 7.8-3.9 8.5-8.5Z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8c.6-3.400 3.6-5.5 7.5-5.5s6.9 2.1 7.5 5.5",
  check: "m5 12.5 4.5 4.5L19 7.5",
  alert: "M12 8v5m0 3.5h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
} as const;

export type IconName = keyof typeof PATHS;

/** Shown beside or inside what has a name of its own, so hidden from screen readers. */
export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }) {
  return (
    <svg class={filled ? "icon filled" : "icon"} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
