// Runs once, from the page's script tag: puts the widget into the page and connects it.

import { mount } from "./mount.tsx";
import { readTag } from "./tag.ts";

performance.mark("vigie:start");

const own =
  // The tag itself; a tag manager that runs the text elsewhere leaves only the search.
  document.currentScript ?? document.querySelector("script[data-site][src*='widget.js']");
const tag = own instanceof HTMLScriptElement ? readTag(own) : undefined;

if (tag === undefined) {
  console.error('Vigie: the script tag needs data-site="…", the site\'s public key');
} else if (document.querySelector("vigie-widget") === null) {
  // Where another page's script is still parsing the head there is no body yet.
  if (document.body === null) {
    addEventListener("DOMContentLoaded", () => mount(tag), { once: true });
  } else {
    mount(tag);
  }
}
