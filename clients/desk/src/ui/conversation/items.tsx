import type { Choice } from "@vigie/client";
import type { ComponentChildren } from "preact";
import type { MessageItem, NoteItem, ThreadItem } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { clockTime, moment } from "../format.ts";
import { memo } from "../memo.ts";
import { Bot, Lock } from "../parts/icons.ts";
import { Linked } from "../parts/linked.tsx";
import { SystemLine } from "./system.tsx";

/** One entry of a thread. */
export const Item = memo(function Item({ item, joined }: { item: ThreadItem; joined: boolean }) {
  switch (item.kind) {
    case "message":
      return <Message item={item} joined={joined} />;
    case "note":
      return <Note item={item} joined={joined} />;
    default:
      return <SystemLine item={item} />;
  }
});

function Message({ item, joined }: { item: MessageItem; joined: boolean }) {
  return (
    <Bubble
      look={item.part === "operator" && !item.mine ? "colleague" : item.part}
      who={authorName(item)}
      icon={item.part === "bot" ? <Bot aria-hidden="true" /> : undefined}
      time={item.time}
      joined={joined}
    >
      <p class="bubble">
        <Linked text={item.text} />
      </p>
      {item.choices.length > 0 && <Choices choices={item.choices} />}
    </Bubble>
  );
}

function Note({ item, joined }: { item: NoteItem; joined: boolean }) {
  const t = texts().conversation;
  return (
    <Bubble
      look="note"
      who={`${t.note} · ${authorName(item)}`}
      icon={<Lock aria-hidden="true" />}
      time={item.time}
      joined={joined}
    >
      <p class="bubble" title={t.noteOnly}>
        <Linked text={item.text} />
      </p>
    </Bubble>
  );
}

interface BubbleProps {
  /** Whose it is, as a class name. */
  look: string;
  who: string;
  icon?: ComponentChildren;
  /** Absent while it is being written. */
  time?: number;
  joined?: boolean;
  children: ComponentChildren;
}

/** Something said, with who said it and when. */
export function Bubble({ look, who, icon, time, joined = false, children }: BubbleProps) {
  return (
    <div class={joined ? `message message-${look} joined` : `message message-${look}`}>
      <p class={joined ? "message-head hidden" : "message-head"}>
        {icon}
        <strong>{who}</strong>
        {time !== undefined && (
          <time dateTime={new Date(time).toISOString()} title={moment(time)}>
            {clockTime(time)}
          </time>
        )}
      </p>
      {children}
    </div>
  );
}

function Choices({ choices }: { choices: readonly Choice[] }) {
  return (
    <ul class="message-choices" aria-label={texts().conversation.choices}>
      {choices.map((choice) => (
        <li key={choice.label}>{choice.label}</li>
      ))}
    </ul>
  );
}

function authorName(item: MessageItem | NoteItem): string {
  const t = texts();
  if (item.mine) return t.you;
  switch (item.author.kind) {
    case "operator":
      return item.author.name;
    case "bot":
      return item.author.name === "" ? t.bot : item.author.name;
    default:
      return t.conversation.visitor;
  }
}
