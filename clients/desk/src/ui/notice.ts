/** The words of a desktop notification. */

import type { NoticeWords } from "../model/types.ts";
import { texts } from "../texts.ts";
import { countryName } from "./format.ts";

/** What happened and where; below it what was said last, and from which country. */
export const noticeWords: NoticeWords = ({ kind, site, card }) => {
  const t = texts().notice;
  const happened = kind === "waiting" ? t.waiting : kind === "message" ? t.message : t.new;
  const said = card.last?.from === "visitor" ? card.last.text : undefined;
  const from = countryName(card.country);
  return {
    title: `${happened} · ${site}`,
    body: [from, said ?? card.page?.title ?? t.noText].filter(Boolean).join(" · "),
  };
};
