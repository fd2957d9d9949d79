import { useSignal } from "@preact/signals";
import type { Card, OperatorCard } from "@vigie/client";
import { useEffect } from "preact/hooks";
import { texts } from "../../texts.ts";
import { useSite } from "../context.ts";
import { Tabs } from "../conversation/tabs.tsx";
import { countryName } from "../format.ts";
import { initial } from "../header/header.tsx";
import { memo } from "../memo.ts";
import { ControlChip, WaitingChip } from "../parts/control.tsx";
import { DeviceIcon } from "../parts/device.tsx";
import { Elapsed } from "../parts/elapsed.tsx";
import { Last, MessageCount, Presence, UnreadBadge } from "./card.tsx";
import { Filters, SearchBox, SortMenu } from "./filters.tsx";
import { ListPanel } from "./live-list.tsx";
import { Rows } from "./rows.tsx";

/** The height of a line of the overview; the same is in `styles/overview.css`. */
const LINE_HEIGHT_PX = 44;
const BONES = 14;
const OPERATORS_EVERY_MS = 10_000;

/** All live conversations over all operators: one line each, and who is in control. */
export function Overview() {
  const t = texts();
  const site = useSite();
  return (
    <main class="overview" id="main" tabIndex={-1}>
      {site.conversations.value.length > 0 && <Tabs />}
      <div class="overview-head">
        <h1>{t.list.overview}</h1>
        <Operators />
      </div>
      <div class="overview-tools">
        <Filters />
        <div class="overview-search">
          <SearchBox />
          <SortMenu />
        </div>
      </div>
      <div class="line line-head" aria-hidden="true">
        <span>{t.overview.visitor}</span>
        <span>{t.overview.control}</span>
        <span>{t.overview.lastMessage}</span>
        <span class="line-page">{t.overview.page}</span>
        <span class="line-number">{t.overview.messages}</span>
        <span class="line-number">{t.list.duration}</span>
      </div>
      <ListPanel bones={BONES} blank={<BlankLine />}>
        <Rows
          class="rows-lines"
          rowHeight={LINE_HEIGHT_PX}
          blank={<BlankLine />}
          row={(card, unread) => <Line card={card} unread={unread} />}
        />
      </ListPanel>
    </main>
  );
}

const Line = memo(function Line({ card, unread }: { card: Card; unread: number }) {
  return (
    <div class={card.waiting === undefined ? "line" : "line line-waiting"}>
      <span class="line-visitor">
        <Presence card={card} />
        <span class="cut">{countryName(card.country) ?? texts().list.unknownCountry}</span>
        <DeviceIcon device={card.device} />
        <span class="line-browser cut">{card.browser}</span>
      </span>
      <span class="line-control">
        <ControlChip control={card.control} bot={card.bot} />
        {card.waiting !== undefined && <WaitingChip since={card.waiting} />}
      </span>
      <span class={unread > 0 ? "line-last fresh" : "line-last"}>
        <Last last={card.last} />
        <UnreadBadge unread={unread} />
      </span>
      <span class="line-page cut" title={card.page?.url}>
        {card.page?.title ?? path(card.page?.url)}
      </span>
      <span class="line-number">
        <MessageCount messages={card.messages} />
      </span>
      <span class="line-number">
        <Elapsed since={card.started} />
      </span>
    </div>
  );
});

/** Who is there, and how much they carry. */
function Operators() {
  const t = texts().overview;
  const site = useSite();
  const operators = useSignal<readonly OperatorCard[]>([]);
  const online = site.connection.value.kind === "online";
  useEffect(() => {
    if (!online) return;
    let stopped = false;
    const load = () => {
      if (document.hidden) return;
      site.operators().then(
        (cards) => {
          if (!stopped) operators.value = cards.filter((card) => card.connected);
        },
        () => {
          // It is asked again, and the banner tells when there is no connection.
        },
      );
    };
    load();
    const timer = setInterval(load, OPERATORS_EVERY_MS);
    return () => {
      stopped = true;
      clearInterval(timer);
    };
  }, [site, online, operators]);
  return (
    <ul class="operators" aria-label={t.operators}>
      {operators.value.map((card) => (
        <li key={card.id} title={`${card.name}: ${t.operatorSessions(card.sessions)}`}>
          <span class="avatar" aria-hidden="true">
            {initial(card.name)}
            <span
              class={`presence ${card.intent === "available" ? "presence-on" : "presence-away"}`}
            />
          </span>
          <span class="cut">{card.name}</span>
          <span class="operator-count">
            <span aria-hidden="true">{card.sessions}</span>
            <span class="hidden">{t.operatorSessions(card.sessions)}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function BlankLine() {
  return (
    <div class="line" aria-hidden="true">
      <span class="bone bone-short" />
      <span class="bone bone-chip" />
      <span class="bone" />
      <span class="bone line-page" />
    </div>
  );
}

/** The part of an address that tells one page of a site from another. */
export function path(url: string | undefined): string {
  if (url === undefined) return "";
  try {
    const parsed = new URL(url);
    return decodeURI(parsed.pathname) + parsed.search;
  } catch {
    return url;
  }
}
