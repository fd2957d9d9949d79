import type { ComponentChildren } from "preact";
import { texts } from "../../texts.ts";
import { useSite } from "../context.ts";
import { Button } from "../parts/button.tsx";
import { Empty } from "../parts/empty.tsx";
import { Bot, Clock, Eye, Headset, Search, User } from "../parts/icons.ts";
import { BlankCard, CARD_HEIGHT_PX, SessionCard } from "./card.tsx";
import { Filters, LIST_PANEL_ID, SearchBox, SortMenu } from "./filters.tsx";
import { Rows } from "./rows.tsx";

/** Cards shown as bones while the first of them are on their way. */
const BONES = 8;

/** The live list at the side of the conversation. */
export function LiveListPane() {
  const t = texts().list;
  return (
    <nav class="live-list" aria-label={t.name}>
      <div class="list-head">
        <SearchBox />
        <SortMenu />
      </div>
      <Filters />
      <ListPanel bones={BONES} blank={<BlankCard />}>
        <Rows
          class="rows-cards"
          rowHeight={CARD_HEIGHT_PX}
          blank={<BlankCard />}
          row={(card, unread) => <SessionCard card={card} unread={unread} />}
        />
      </ListPanel>
    </nav>
  );
}

/** What the filters filter: rows, bones, or why there is nothing. */
export function ListPanel({
  children,
  blank,
  bones,
}: {
  children: ComponentChildren;
  blank: ComponentChildren;
  bones: number;
}) {
  const { list } = useSite();
  const loading = list.loading.value;
  const empty = !loading && list.size.value === 0;
  return (
    <div
      id={LIST_PANEL_ID}
      class="list-panel"
      role="tabpanel"
      aria-label={texts().list[list.show.value]}
      aria-busy={loading}
    >
      {loading && list.size.value === 0 ? (
        <div class="bones">
          {Array.from({ length: bones }, (_, index) => (
            <div key={index} class="bones-row">
              {blank}
            </div>
          ))}
        </div>
      ) : empty ? (
        <EmptyList />
      ) : (
        <>
          <Matching />
          {children}
        </>
      )}
    </div>
  );
}

/** How many a search has found. */
function Matching() {
  const { list } = useSite();
  if (list.search.value.trim() === "") return null;
  return (
    <p class="matching" role="status">
      {texts().list.matching(list.size.value)}
    </p>
  );
}

function EmptyList() {
  const t = texts().list;
  const { list } = useSite();
  const words = list.search.value.trim();
  if (words !== "") {
    return (
      <Empty
        icon={<Search aria-hidden="true" />}
        title={t.emptySearch(words)}
        hint={t.emptySearchHint}
      >
        <Button
          onClick={() => {
            list.search.value = "";
          }}
        >
          {t.clearSearch}
        </Button>
      </Empty>
    );
  }
  switch (list.show.value) {
    case "all":
      return <Empty icon={<Eye aria-hidden="true" />} title={t.emptyAll} hint={t.emptyAllHint} />;
    case "waiting":
      return (
        <Empty
          icon={<Clock aria-hidden="true" />}
          title={t.emptyWaiting}
          hint={t.emptyWaitingHint}
        />
      );
    case "bot":
      return <Empty icon={<Bot aria-hidden="true" />} title={t.emptyBot} hint={t.emptyBotHint} />;
    case "mine":
      return (
        <Empty icon={<Headset aria-hidden="true" />} title={t.emptyMine} hint={t.emptyMineHint} />
      );
    case "others":
      return (
        <Empty icon={<User aria-hidden="true" />} title={t.emptyOthers} hint={t.emptyOthersHint} />
      );
  }
}
