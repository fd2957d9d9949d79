/** Where the desk begins in the browser. */

import { render } from "preact";
import { createDesk } from "./model/desk.ts";
import { browserPorts } from "./model/platform.ts";
import { chooseLanguage } from "./texts.ts";
import { App } from "./ui/app.tsx";
import { noticeWords } from "./ui/notice.ts";

const texts = await chooseLanguage(navigator.languages);
document.documentElement.lang = texts.language;
const desk = createDesk(browserPorts(noticeWords));
const place = document.getElementById("desk");
if (place === null) throw new Error("the page has no place for the desk");
render(<App desk={desk} />, place);
await desk.start();
