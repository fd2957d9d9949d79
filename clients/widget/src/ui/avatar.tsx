import { icon } from "./icon.tsx";

/** The bot's sign, or an operator's initials. */
export function avatar(operator: string | undefined) {
  return (
    <span class={operator === undefined ? "avatar" : "avatar person"} aria-hidden="true">
      {operator === undefined ? icon("spark") : initials(operator)}
    </span>
  );
}

/** The first letters of the first and last word of a name. */
export function initials(name: string): string {
  const letters = (name.match(/[^\s-]+/g) ?? []).map((word) => [...word][0] ?? "");
  const ends = letters.length > 1 ? [letters[0], letters.at(-1)] : letters;
  return ends.join("").toLocaleUpperCase();
}
