// Which page the visitor is on, also where the site changes pages without loading them.

import type { Page } from "@vigie/client/core";

/** How long a new page has to set its title before it is reported. Milliseconds. */
export const TITLE_WAIT = 250;

/** The page as it is now. */
export function currentPage(): Page {
  return { url: location.href, title: document.title };
}

/** Reports each page that is opened without a load. */
export function watchPages(report: (page: Page) => void): void {
  let url = location.href;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    if (location.href !== url) {
      url = location.href;
      clearTimeout(timer);
      timer = setTimeout(() => report(currentPage()), TITLE_WAIT);
    }
  };
  for (const method of ["pushState", "replaceState"] as const) {
    const original = history[method];
    // The page's own call is done first and as ever; others may have patched it, or will.
    history[method] = function (...given) {
      original.apply(this, given);
      look();
    };
  }
  addEventListener("popstate", look);
}
