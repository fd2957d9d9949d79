/** The document's title: pure. */

import { TITLE_UNREAD_MAX } from "./bounds.ts";

/** `(3) Corner shop · Vigie`. */
export function titleOf(unread: number, site: string | undefined): string {
  const count = unread > TITLE_UNREAD_MAX ? `${TITLE_UNREAD_MAX}+` : String(unread);
  const name = site === undefined ? "Vigie" : `${site} · Vigie`;
  return unread > 0 ? `(${count}) ${name}` : name;
}
