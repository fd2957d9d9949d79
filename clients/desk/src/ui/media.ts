/** How much room there is: three layouts, known to the components that differ between them. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";

/** One column; two with the visitor over them; three. The same bounds are in `styles/`. */
export type Room = "phone" | "medium" | "wide";

const phone = matching("(max-width: 759px)");
const wide = matching("(min-width: 1180px)");

export const room: ReadonlySignal<Room> = computed(() =>
  phone.value ? "phone" : wide.value ? "wide" : "medium",
);

function matching(query: string): ReadonlySignal<boolean> {
  const media = globalThis.matchMedia?.(query);
  const matches = signal(media?.matches ?? false);
  media?.addEventListener("change", (change) => {
    matches.value = change.matches;
  });
  return matches;
}
