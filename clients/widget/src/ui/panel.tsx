import type { Widget } from "../widget.ts";
import { composer } from "./composer.tsx";
import { ending } from "./ending.tsx";
import { header } from "./header.tsx";
import { launcher } from "./launcher.tsx";
import { status } from "./status.tsx";
import { thread } from "./thread.tsx";

/** Everything that there is to see. */
export function view(widget: Widget) {
  return (
    <>
      {widget.open.value && panel(widget)}
      {launcher(widget)}
    </>
  );
}

function panel(widget: Widget) {
  const [top, height] = widget.seen.value;
  return (
    // In a section its head and foot are none of the page's landmarks.
    <section
      class="panel"
      role="dialog"
      aria-label={widget.texts.value.chat}
      lang={widget.texts.value.tag}
      tabIndex={-1}
      style={{ "--top": `${top}px`, "--height": `${height}px` }}
    >
      {header(widget)}
      {status(widget)}
      {thread(widget)}
      {widget.chat.conversation.value.closed ? ending(widget) : composer(widget)}
    </section>
  );
}
