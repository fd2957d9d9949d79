import type { Show, Sort } from "@vigie/client";
import { useRef } from "preact/hooks";
import { texts } from "../../texts.ts";
import { useSite } from "../context.ts";
import { number } from "../format.ts";
import { IconButton } from "../parts/button.tsx";
import { ArrowUpDown, Search, X } from "../parts/icons.ts";
import { Key } from "../parts/key.tsx";
import { Menu, MenuItem, MenuItems } from "../parts/menu.tsx";

/** The filters in the order of their keys 1 to 5. */
export const SHOWS: readonly Show[] = ["all", "waiting", "bot", "mine", "others"];
/** The orders of the list. */
export const SORTS: readonly Sort[] = ["waiting", "activity", "newest", "oldest"];

/** Id of what the filters filter. */
export const LIST_PANEL_ID = "live-list";

/** All, waiting, bot, mine, others: with how many there are. */
export function Filters() {
  const t = texts().list;
  const { list } = useSite();
  const totals = list.totals.value;
  const tabs = useRef<HTMLDivElement>(null);
  const choose = (show: Show, focus: boolean) => {
    list.show.value = show;
    if (focus) tabs.current?.querySelector<HTMLElement>(`[data-show="${show}"]`)?.focus();
  };
  return (
    <div
      class="filters"
      role="tablist"
      aria-label={t.filters}
      ref={tabs}
      onKeyDown={(event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        const at = SHOWS.indexOf(list.show.value) + step + SHOWS.length;
        choose(SHOWS[at % SHOWS.length] ?? "all", true);
      }}
    >
      {SHOWS.map((show) => (
        <button
          key={show}
          type="button"
          role="tab"
          data-show={show}
          aria-selected={list.show.value === show}
          aria-controls={LIST_PANEL_ID}
          tabIndex={list.show.value === show ? 0 : -1}
          class={
            show === "waiting" && (totals?.waiting ?? 0) > 0 ? "filter filter-urgent" : "filter"
          }
          onClick={() => choose(show, false)}
        >
          {t[show]} <span class="filter-count">{totals === null ? "" : number(totals[show])}</span>
        </button>
      ))}
    </div>
  );
}

/** The words that the shown cards have in common. */
export function SearchBox() {
  const t = texts().list;
  const { list } = useSite();
  const input = useRef<HTMLInputElement>(null);
  return (
    <search class="search-box">
      <Search aria-hidden="true" />
      <input
        ref={input}
        type="search"
        aria-label={t.search}
        placeholder={t.search}
        data-list-search
        value={list.search.value}
        maxLength={200}
        autocomplete="off"
        spellcheck={false}
        aria-keyshortcuts="/"
        onInput={(event) => {
          list.search.value = event.currentTarget.value;
        }}
      />
      {list.search.value === "" ? (
        <Key name="/" />
      ) : (
        <IconButton
          label={t.clearSearch}
          onClick={() => {
            list.search.value = "";
            input.current?.focus();
          }}
        >
          <X aria-hidden="true" />
        </IconButton>
      )}
    </search>
  );
}

/** In which order. */
export function SortMenu() {
  const t = texts().list;
  const { list } = useSite();
  return (
    <Menu
      label={`${t.sort}: ${t.sorts[list.sort.value]}`}
      face={<ArrowUpDown aria-hidden="true" />}
    >
      {(close) => (
        <MenuItems label={t.sort}>
          {SORTS.map((sort) => (
            <MenuItem
              key={sort}
              checked={list.sort.value === sort}
              onSelect={() => {
                list.sort.value = sort;
                close();
              }}
            >
              {t.sorts[sort]}
            </MenuItem>
          ))}
        </MenuItems>
      )}
    </Menu>
  );
}
