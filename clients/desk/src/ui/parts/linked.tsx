/** Text in which addresses are links. Text stays text: nothing in it is ever markup. */

import { Fragment } from "preact";

/** A piece of text, or an address in it. */
export interface Piece {
  readonly text: string;
  readonly url?: string;
}

/** Shows text with its `http` and `https` addresses as links. */
export function Linked({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map((piece, index) =>
        piece.url === undefined ? (
          <Fragment key={index}>{piece.text}</Fragment>
        ) : (
          <a key={index} href={piece.url} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        ),
      )}
    </>
  );
}

/** Takes the addresses out of a text; what closes a sentence is not part of them. */
export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"']+/gi)) {
    const written = trimmed(match[0]);
    const url = URL.canParse(written) ? written : null;
    if (url === null) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: written, url });
    end = match.index + written.length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

function trimmed(address: string): string {
  let kept = address.replace(/[.,;:!?…]+$/u, "");
  while (kept.endsWith(")") && count(kept, ")") > count(kept, "(")) kept = kept.slice(0, -1);
  return kept.replace(/[.,;:!?…]+$/u, "");
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}
