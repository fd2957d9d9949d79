// A chat in a page: what was said, who answers, and a field to write in.
import { connectVisitor, type VisitorClient, type VisitorOptions } from "@vigie/client";

export function widget(root: HTMLElement, options: VisitorOptions): VisitorClient {
  const page = root.ownerDocument;
  const [status, list] = [page.createElement("p"), page.createElement("ol")];
  const field = page.createElement("input");
  root.append(status, list, field);
  const visitor = connectVisitor(options);
  visitor.follow({
    event: ({ author, body }) => {
      if (body.type === "message") {
        const line = list.appendChild(page.createElement("li"));
        line.textContent = `${"name" in author ? author.name : "You"}: ${body.text}`;
      }
    },
    control: ({ holder }) => {
      status.textContent = holder.kind === "bot" ? "Assistant" : `Live agent: ${holder.name}`;
    },
    reset: () => list.replaceChildren(),
  });
  field.addEventListener("change", () => {
    visitor.say(field.value).catch((error: Error) => page.defaultView?.alert(error.message));
    field.value = "";
  });
  return visitor;
}
