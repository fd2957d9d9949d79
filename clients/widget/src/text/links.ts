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
  /https?:\/\/[\p{L}\d][^\s<>"“”«»`]{0,2047}|(?:mailto:)?[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/giu;

/** Splits a message into text and links. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(ADDRESS)) {
    // The punctuation after an address belongs to the sentence around it.
    const address = match.replace(match.includes("(") ? /[.,;:!?'’…]+$/ : /[.,;:!?'’…)\]}]+$/, "");
    found.push(
      { text: text.slice(end, index) },
      { text: address, href: /^(http|mailto:)/i.test(address) ? address : `mailto:${address}` },
    );
    end = index + address.length;
  }
  found.push({ text: text.slice(end) });
  return found.filter((piece) => piece.text !== "");
}
