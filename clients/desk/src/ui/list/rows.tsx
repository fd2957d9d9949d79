/** The live list's rows: only those in sight are there, however many sessions are live. */

import type { Card } from "@vigie/client";
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { texts } from "../../texts.ts";
import { useSite } from "../context.ts";
import { keptPlace, type Range, renderedRows, scrollToRow, visibleRows } from "./window.ts";

interface RowsProps {
  rowHeight: number;
  class: string;
  row: (card: Card, unread: number) => ComponentChildren;
  /** In the place of a row whose card has not come yet. */
  blank: ComponentChildren;
}

/** Id of a session's row, for `aria-activedescendant`. */
export function rowId(session: string): string {
  return `row-${session}`;
}

/** A listbox over the site's live list. */
export function Rows({ rowHeight, row, blank, ...rest }: RowsProps) {
  const site = useSite();
  const { list } = site;
  const version = list.version.value;
  const size = list.size.value;
  const selected = list.selected.value;
  const active = site.active.value?.session ?? null;
  const box = useRef<HTMLDivElement>(null);
  const anchor = useRef<{ session: string; index: number } | null>(null);
  const [visible, setVisible] = useState<Range>({ first: 0, last: -1 });

  const measure = useCallback(() => {
    const element = box.current;
    if (element === null) return;
    const viewport = { scrollTop: element.scrollTop, height: element.clientHeight, rowHeight };
    const rows = visibleRows(viewport, list.size.peek());
    setVisible((old) => (old.first === rows.first && old.last === rows.last ? old : rows));
    if (rows.last >= rows.first) list.look(rows.first, rows.last);
    const top = list.card(rows.first);
    anchor.current = top === undefined ? null : { session: top.session, index: rows.first };
  }, [list, rowHeight]);

  useLayoutEffect(() => {
    const element = box.current;
    const held = anchor.current;
    if (element !== null && held !== null) {
      const place = keptPlace(element.scrollTop, rowHeight, held.index, list.indexOf(held.session));
      if (place !== element.scrollTop) element.scrollTop = place;
    }
    measure();
  }, [version, size, measure]);

  useEffect(() => {
    const element = box.current;
    if (element === null || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [measure]);

  // Another filter or search is another list: it is read from its beginning.
  const shown = `${list.show.value} ${list.sort.value} ${list.search.value}`;
  const last = useRef(shown);
  useLayoutEffect(() => {
    if (last.current === shown || box.current === null) return;
    last.current = shown;
    anchor.current = null;
    box.current.scrollTop = 0;
    measure();
  }, [shown, measure]);

  useEffect(() => {
    const element = box.current;
    const index = selected === null ? -1 : list.indexOf(selected);
    if (element === null || index < 0) return;
    const place = scrollToRow(index, {
      scrollTop: element.scrollTop,
      height: element.clientHeight,
      rowHeight,
    });
    if (place !== null) element.scrollTop = place;
  }, [selected, list, rowHeight]);

  const rendered = renderedRows(visible, size);
  const rows: ComponentChildren[] = [];
  let cursorShown = false;
  for (let index = rendered.first; index <= rendered.last; index += 1) {
    const card = list.card(index);
    const top = index * rowHeight;
    if (card === undefined) {
      rows.push(
        <div
          key={`blank-${index}`}
          class="row blank"
          style={{ height: rowHeight, transform: `translateY(${top}px)` }}
          role="presentation"
        >
          {blank}
        </div>,
      );
      continue;
    }
    const { session } = card;
    cursorShown ||= session === selected;
    rows.push(
      // biome-ignore lint/a11y/useKeyWithClickEvents: the listbox has the keys.
      // biome-ignore lint/a11y/useFocusableInteractive: the listbox has the focus.
      <div
        key={session}
        id={rowId(session)}
        role="option"
        aria-selected={session === active}
        aria-setsize={size}
        aria-posinset={index + 1}
        class={session === selected ? "row cursor" : "row"}
        data-session={session}
        style={{ height: rowHeight, transform: `translateY(${top}px)` }}
        onClick={() => {
          list.selected.value = session;
          site.open(session);
        }}
      >
        {row(card, list.unread(session))}
      </div>,
    );
  }

  return (
    <div
      ref={box}
      role="listbox"
      aria-label={texts().list.name}
      aria-activedescendant={selected !== null && cursorShown ? rowId(selected) : undefined}
      tabIndex={0}
      class={`rows ${rest.class}`}
      data-live-list
      onScroll={measure}
      onFocus={() => {
        if (list.selected.peek() === null)
          list.selected.value = active ?? list.card(0)?.session ?? null;
      }}
      onKeyDown={(event) => {
        if (
          moveCursor(event.key, site.list, Math.floor((box.current?.clientHeight ?? 0) / rowHeight))
        ) {
          event.preventDefault();
        } else if (event.key === "Enter" || event.key === " ") {
          if (selected === null) return;
          event.preventDefault();
          event.stopPropagation();
          site.open(selected);
        }
      }}
    >
      <div class="rows-all" role="presentation" style={{ height: size * rowHeight }}>
        {rows}
      </div>
    </div>
  );
}

/** Moves the keyboard's place in the list; false if the key does not move it. */
export function moveCursor(
  key: string,
  list: ReturnType<typeof useSite>["list"],
  page: number,
): boolean {
  const size = list.size.peek();
  if (size === 0) return false;
  const at = list.selected.peek() === null ? -1 : list.indexOf(list.selected.peek() ?? "");
  const to = {
    ArrowDown: at + 1,
    ArrowUp: at < 0 ? 0 : at - 1,
    PageDown: at + Math.max(1, page - 1),
    PageUp: at - Math.max(1, page - 1),
    Home: 0,
    End: size - 1,
  }[key];
  if (to === undefined) return false;
  const index = Math.min(Math.max(to, 0), size - 1);
  const card = list.card(index);
  if (card === undefined) list.look(Math.max(0, index - page), index);
  else list.selected.value = card.session;
  return true;
}
