import type { Told } from "../model/conversation.ts";
import type { Bubble, GroupRow, Row } from "../model/rows.ts";
import { clockTime, dayName } from "../text/times.ts";
import type { Texts } from "../texts/texts.ts";
import type { Widget } from "../widget.ts";
import { Avatar } from "./Avatar.tsx";
import { Icon } from "./icons.tsx";
import { MessageText } from "./MessageText.tsx";

/** One row of the conversation. */
export function RowView({ row, last, widget }: { row: Row; last: boolean; widget: Widget }) {
  const texts = widget.texts.value;
  switch (row.kind) {
    case "day":
      return <p class="day">{dayName(row.time, Date.now(), texts)}</p>;
    case "told":
      return <p class={`told ${row.told.what}`}>{words(row.told, texts)}</p>;
    case "group":
      return <Group row={row} last={last} widget={widget} />;
  }
}

function Group({ row, last, widget }: { row: GroupRow; last: boolean; widget: Widget }) {
  const texts = widget.texts.value;
  const { from, bubbles } = row;
  const name = row.name || widget.site.value.botName;
  const role = from === "bot" ? texts.assistant : texts.team;
  return (
    <div class={`group ${from}`}>
      {from === "visitor" ? (
        <p class="unseen">{texts.you}</p>
      ) : (
        <>
          <Avatar name={name} human={from === "operator"} />
          <p class="who">
            {name && <b>{name}</b>} <span>{role}</span>
          </p>
        </>
      )}
      {bubbles.map((bubble) => (
        <BubbleView key={bubble.id} bubble={bubble} widget={widget} />
      ))}
      <Foot bubble={bubbles.at(-1)} own={from === "visitor"} last={last} texts={texts} />
    </div>
  );
}

function BubbleView({ bubble, widget }: { bubble: Bubble; widget: Widget }) {
  const texts = widget.texts.value;
  return (
    <>
      <p class={`bubble ${bubble.state}`} dir="auto">
        <MessageText text={bubble.text} />
      </p>
      {bubble.state === "failed" && (
        <p class="foot failed">
          <Icon name="alert" />
          {texts.failed}
          <button class="link" type="button" onClick={() => widget.chat.tryAgain(bubble.id)}>
            {texts.tryAgain}
          </button>
        </p>
      )}
    </>
  );
}

/** When the last of a group was said, and whether it has arrived. */
function Foot(props: { bubble: Bubble | undefined; own: boolean; last: boolean; texts: Texts }) {
  const { bubble, own, last, texts } = props;
  if (bubble === undefined || bubble.state === "failed") {
    return null;
  }
  const time = clockTime(bubble.time, texts.tag);
  return (
    <p class="foot">
      {own && bubble.state === "sending" ? texts.sending : <time>{time}</time>}
      {own && last && bubble.state === "sent" && (
        <>
          <Icon name="check" />
          {texts.sent}
        </>
      )}
    </p>
  );
}

function words(told: Told, texts: Texts): string {
  switch (told.what) {
    case "taken":
      return told.notice ?? texts.taken(told.name ?? "");
    case "handed_back":
      return told.notice ?? texts.handedBack;
    case "human_asked":
      return texts.humanAsked;
    case "bot_failed":
      return texts.botFailed;
    case "closed":
      if (told.cause === "visitor") {
        return texts.endedByYou;
      }
      return told.cause === "away" ? texts.endedByTime : texts.endedByUs;
  }
}
