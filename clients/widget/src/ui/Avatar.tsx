import { Icon } from "./icons.tsx";

/** The bot's sign, or an operator's initials. */
export function Avatar({ name, human, live }: { name: string; human: boolean; live?: boolean }) {
  return (
    <span class={human ? "avatar human" : "avatar bot"} aria-hidden="true">
      {human ? initials(name) : <Icon name="spark" filled />}
      {live && <span class="dot" />}
    </span>
  );
}

/** The first letters of the first and last word of a name. */
export function initials(name: string): string {
  const words = name.split(/[\s-]+/).filter(Boolean);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map((word) => [...(word ?? "")][0]?.toLocaleUpperCase() ?? "").join("");
}
