/** How well what is typed fits a name: every typed word begins, or is in, a word of it. */

const STARTS_NAME = 3;
const STARTS_WORD = 2;
const INSIDE = 1;

/** A score, higher for a better fit; 0: does not fit. */
export function fit(typed: string, name: string, detail = ""): number {
  const words = plain(typed).split(/\s+/).filter(Boolean);
  if (words.length === 0) return 1;
  const inName = plain(name);
  const inDetail = plain(detail);
  let score = 0;
  for (const word of words) {
    const found = place(word, inName) * 2 || place(word, inDetail);
    if (found === 0) return 0;
    score += found;
  }
  return score;
}

function place(word: string, text: string): number {
  if (text.startsWith(word)) return STARTS_NAME;
  const at = text.indexOf(word);
  if (at < 0) return 0;
  return /[\p{L}\p{N}]/u.test(text[at - 1] ?? "") ? INSIDE : STARTS_WORD;
}

/** Letters without case and accents: who types “fenetre” finds “fenêtre”. */
function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
