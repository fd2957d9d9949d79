import type { Bubble, GroupRow } from "../model/rows.ts";
import { pieces } from "../text/links.ts";
import { clockTime } from "../text/times.ts";
import type { Widget } from "../widget.ts";
import { avatar } from "./avatar.tsx";
import { icon } from "./icon.tsx";

/** What one person says in a row. `last`: the visitor has said nothing after it. */
export function group(widget: Widget, row: GroupRow, last: boolean) {
  const texts = widget.texts.value;
  const { from, name, bubbles } = row;
  const end = bubbles.at(-1);
  return (
    <div key={row.id} class={`group ${from}`}>
      {author(widget, from, name)}
      {bubbles.map((bubble) => message(widget, bubble))}
      {end && end.state !== "failed" && (
        <p class="foot">
          {end.state === "sending" ? texts.sending : clockTime(end.time, texts.tag)}
          {last && end.state !== "sending" && (
            <>
              {icon("check")}
              {texts.sent}
            </>
          )}
        </p>
      )}
    </div>
  );
}

/** Who speaks, for the eye and for screen readers. */
export function author(widget: Widget, from: GroupRow["from"], name: string) {
  const texts = widget.texts.value;
  if (from === "visitor") {
    return <p class="unseen">{texts.you}</p>;
  }
  return (
    <>
      {avatar(from === "operator" ? name : undefined)}
      <p class="who">
        <b>{name || widget.site.value.bot_name}</b>{" "}
        {from === "operator" ? texts.liveAgent : texts.assistant}
      </p>
    </>
  );
}

function message({ chat, texts: { value: texts } }: Widget, { key = "", text, state }: Bubble) {
  return (
    <>
      <p class={`bubble ${state ?? ""}`} dir="auto">
        {written(text)}
      </p>
      {state === "failed" && (
        <p class="foot bad">
          {texts.failed}
          <button class="link" type="button" onClick={() => chat.tryAgain({ key, text })}>
            {texts.tryAgain}
          </button>
        </p>
      )}
    </>
  );
}

/** What somebody wrote: text with its line breaks, and addresses as links. Never HTML. */
function written(text: string) {
  return pieces(text).map(({ text: part, href }) =>
    href === undefined ? (
      part
    ) : (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {part}
      </a>
    ),
  );
}
