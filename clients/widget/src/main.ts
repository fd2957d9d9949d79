// Runs once, from the page's script tag: puts the widget into the page and connects it.

import { mount } from "./mount.tsx";
import { readTag } from "./tag.ts";

performance.mark("vigie:start");

// The tag itself; a tag manager that runs the text elsewhere leaves only the search.
const script = (document.currentScript ??
  document.querySelector("script[data-site]")) as HTMLScriptElement | null;

if (!script?.dataset.site) {
  console.error("Vigie: the script tag needs data-site");
} else if (document.querySelector("vigie-widget") === null) {
  mount(readTag(script));
}
