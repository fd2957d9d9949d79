import type { Holder } from "@vigie/client";
import type { ComponentChildren } from "preact";
import { safeUrl } from "../../model/profile.ts";
import type { ControlItem, MessageItem, NoteItem, ThreadItem } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { useSite } from "../context.ts";
import { clockTime, moment } from "../format.ts";
import { path } from "../list/overview.tsx";
import {
  ArrowLeftRight,
  CircleAlert,
  CircleX,
  DoorOpen,
  FileText,
  Hand,
  Headset,
  LogIn,
  Star,
  Undo2,
  User,
} from "../parts/icons.ts";

type Happening = Exclude<ThreadItem, MessageItem | NoteItem>;
type Icon = typeof Star;

interface Said {
  icon: Icon;
  tone: "plain" | "control" | "urgent" | "bad";
  text: string;
  detail?: ComponentChildren;
}

/** What happened besides what was said, on one line. */
export function SystemLine({ item }: { item: Happening }) {
  const me = useSite().operator.value;
  const { icon: Icon, tone, text, detail } = told(item, me);
  return (
    <div class={`system system-${tone}`}>
      <Icon aria-hidden="true" />
      <p>
        {text}
        {detail !== undefined && <> {detail}</>}
      </p>
      <time dateTime={new Date(item.time).toISOString()} title={moment(item.time)}>
        {clockTime(item.time)}
      </time>
    </div>
  );
}

function told(item: Happening, me: string | null): Said {
  const t = texts().system;
  switch (item.kind) {
    case "control":
      return control(item, me);
    case "page":
      return { icon: FileText, tone: "plain", text: t.viewed, detail: <PageLink {...item.page} /> };
    case "human":
      return { icon: Hand, tone: "urgent", text: t.requested };
    case "bot-failed":
      return {
        icon: CircleAlert,
        tone: "bad",
        text: {
          timeout: t.botTimeout,
          unavailable: t.botUnavailable,
          error: t.botError,
          unknown: t.botError,
        }[item.reason],
        ...(item.detail === undefined ? {} : { detail: <Aside>{item.detail}</Aside> }),
      };
    case "rated":
      return {
        icon: Star,
        tone: "plain",
        text: t.rated(item.score),
        ...(item.comment === undefined ? {} : { detail: <Aside>“{item.comment}”</Aside> }),
      };
    case "data":
      return {
        icon: User,
        tone: "plain",
        text: t.data,
        detail: (
          <Aside>
            {Object.entries(item.data)
              .map(([key, value]) => `${key}: ${value}`)
              .join(" · ")}
          </Aside>
        ),
      };
    case "started":
      return { icon: LogIn, tone: "plain", text: t.started(item.ordinal) };
    case "returned":
      return { icon: LogIn, tone: "plain", text: t.returned };
    case "left":
      return { icon: DoorOpen, tone: "plain", text: t.left };
    case "closed":
      return { icon: CircleX, tone: "control", text: closed(item, me) };
  }
}

function control(item: ControlItem, me: string | null): Said {
  const t = texts().system;
  const by =
    item.author.kind === "operator" ? holderName({ ...item.author, kind: "operator" }, me) : "";
  const holder = holderName(item.holder, me);
  const previous = holderName(item.previous, me);
  const detail =
    item.reason === undefined ? {} : { detail: <Aside>{t.reason(item.reason)}</Aside> };
  const line = (icon: Icon, text: string): Said => ({ icon, tone: "control", text, ...detail });
  switch (item.cause) {
    case "take_over":
      return line(Headset, t.took(holder));
    case "forced":
      return line(Headset, t.forced(holder, previous));
    case "release":
      return line(Undo2, t.released(previous));
    case "transfer":
      return line(ArrowLeftRight, t.transferred(previous, holder));
    case "revoke":
      return line(Undo2, t.revoked(by, previous));
    case "lease_expired":
      return line(CircleAlert, t.leaseExpired(previous));
    default:
      return line(Headset, t.control(holder));
  }
}

function closed(item: Extract<Happening, { kind: "closed" }>, me: string | null): string {
  const t = texts().system;
  const cause: string = item.cause;
  if (cause === "visitor") return t.closedVisitor;
  if (cause === "away") return t.closedAway;
  if (cause !== "operator" || item.author.kind !== "operator") return t.closed;
  return t.closedOperator(holderName({ ...item.author, kind: "operator" }, me));
}

/** Who is in control, by name; one's own is the display name, as everybody sees it. */
export function holderName(holder: Holder, me: string | null): string {
  const t = texts();
  if (holder.kind === "bot") return t.bot;
  return holder.id !== undefined && holder.id === me
    ? `${holder.name} (${t.you.toLocaleLowerCase(t.language)})`
    : holder.name;
}

/** A page by its title; a link only where it leads to the web. */
export function PageLink({ url, title }: { url: string; title?: string }) {
  const safe = safeUrl(url);
  const name = title === undefined || title === "" ? path(url) : title;
  return safe === undefined ? (
    <span title={url}>{name}</span>
  ) : (
    <a href={safe} target="_blank" rel="noopener noreferrer" title={url}>
      {name}
    </a>
  );
}

function Aside({ children }: { children: ComponentChildren }) {
  return <span class="system-aside">{children}</span>;
}
