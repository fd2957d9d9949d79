// What people write is text. Only addresses in it become links, and only of kinds that open a page
// or a letter: everything else, `javascript:` above all, stays text.

/** A stretch of a message: text, or a link that shows its own address. */
export interface Piece {
  readonly text: string;
  readonly href?: string;
}

// Every repetition that can be tried anew from each position has a bound, so that 16 KiB of any
// text are read in a moment.
const ADDRESS =
  /(?:https?:\/\/|mailto:)[^\s<>"“”«»`]{1,2048}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/gi;

const ALLOWED = /^(?:https?|mailto):$/;

/** Splits a message into text and links. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutTrailing(match[0]);
    const href = hrefOf(address);
    if (href === undefined) {
      continue;
    }
    if (match.index > end) {
      found.push({ text: text.slice(end, match.index) });
    }
    found.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) {
    found.push({ text: text.slice(end) });
  }
  return found;
}

/** The address without the punctuation that ends the sentence around it. */
function withoutTrailing(address: string): string {
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1] ?? "";
    const opening = { ")": "(", "]": "[", "}": "{" }[last];
    const closes = opening !== undefined && !balanced(address.slice(0, end), opening, last);
    if (!closes && !/[.,;:!?'’…*_~]/.test(last)) {
      break;
    }
  }
  return address.slice(0, end);
}

function balanced(text: string, opening: string, closing: string): boolean {
  return text.split(opening).length >= text.split(closing).length;
}

function hrefOf(address: string): string | undefined {
  const full = /^(?:https?|mailto):/i.test(address) ? address : `mailto:${address}`;
  try {
    const url = new URL(full);
    const leadsSomewhere = url.hostname !== "" || url.pathname.includes("@");
    return ALLOWED.test(url.protocol) && leadsSomewhere ? url.href : undefined;
  } catch {
    return undefined;
  }
}
