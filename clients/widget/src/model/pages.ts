// Which page the visitor is on, also where the site changes pages without loading them.

import type { Page } from "@vigie/client/core";
import { cutToBytes, LINE_BYTES_MAX } from "../text/bytes.ts";

/** How long a new page has to set its title before it is reported. Milliseconds. */
export const TITLE_WAIT = 250;

/** The page as it is now. */
export function currentPage(): Page {
  const url = cutToBytes(location.href, LINE_BYTES_MAX);
  const title = cutToBytes(document.title, LINE_BYTES_MAX);
  return title === "" ? { url } : { url, title };
}

/** Reports each page that is opened without a load. Returns what undoes it. */
export function watchPages(report: (page: Page) => void): () => void {
  let url = location.href;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    if (location.href !== url) {
      url = location.href;
      clearTimeout(timer);
      timer = setTimeout(() => report(currentPage()), TITLE_WAIT);
    }
  };
  const undo = [patch("pushState", look), patch("replaceState", look)];
  addEventListener("popstate", look);
  addEventListener("hashchange", look);
  return () => {
    clearTimeout(timer);
    removeEventListener("popstate", look);
    removeEventListener("hashchange", look);
    for (const restore of undo) {
      restore();
    }
  };
}

/** Has the page's own call done first and answered as ever; others may have patched it, or will. */
function patch(method: "pushState" | "replaceState", then: () => void): () => void {
  const original = history[method];
  let watching = true;
  const patched: typeof original = function (this: History, ...given) {
    original.apply(this, given);
    if (watching) {
      then();
    }
  };
  history[method] = patched;
  return () => {
    watching = false;
    if (history[method] === patched) {
      history[method] = original;
    }
  };
}
