import { pieces } from "../text/links.ts";

/** What somebody wrote: text with its line breaks, and addresses as links. Never HTML. */
export function MessageText({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map(({ text: part, href }, at) =>
        href === undefined ? (
          part
        ) : (
          <a key={at} href={href} target="_blank" rel="noopener noreferrer nofollow">
            {part}
          </a>
        ),
      )}
    </>
  );
}
