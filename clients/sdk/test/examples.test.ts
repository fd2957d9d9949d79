// The examples are run as they are, all three at once.

import { readFile } from "node:fs/promises";
import { Window } from "happy-dom";
import { expect, it } from "vitest";
import { bot } from "../examples/bot.ts";
import { desk } from "../examples/operator.ts";
import { widget } from "../examples/widget.ts";
import { Engine, eventually } from "./engine.ts";
import { options } from "./people.ts";

it("a widget, a bot and an operator meet", async () => {
  const engine = await Engine.start();
  const lines: string[] = [];
  const robot = bot(
    { ...options(engine, "TCP"), token: await engine.token("bot", "robo", { name: "Robo" }) },
    async function* (question) {
      for (const word of ["You ", "asked: ", question]) {
        yield word;
      }
    },
  );
  const ann = desk(
    { ...options(engine), token: await engine.token("operator", "ann", { name: "Ann" }) },
    (line) => lines.push(line),
  );
  await Promise.all([robot.ready(), ann.ready()]);

  const page = new Window();
  const root = page.document.createElement("div") as unknown as HTMLElement;
  const visitor = widget(root, { ...options(engine, "WebSocket with JSON"), site: "shop" });
  const shown = () => Array.from(root.querySelectorAll("li"), (line) => line.textContent);
  const field = root.querySelector("input") as HTMLInputElement;
  field.value = "<b>Hello</b>";
  field.dispatchEvent(new page.Event("change") as unknown as Event);
  await eventually("the bot's answer", () => shown().length === 2);
  expect(shown()).toEqual(["You: <b>Hello</b>", "Robo: You asked: <b>Hello</b>"]);
  expect(field.value).toBe("");
  await eventually("the card", () => lines.includes("??  bot: You asked: <b>Hello</b>"));

  await visitor.requestHuman();
  await eventually("Ann's greeting", () => shown().at(-1) === "Ann: Hello, how can I help?");
  expect(root.querySelector("p")?.textContent).toBe("Live agent: Ann");
  for (const client of [robot, ann, visitor]) {
    client.close();
  }
  await engine.dispose();
});

it.each(["widget", "operator", "bot"])("the example %s has fewer than 30 lines", async (name) => {
  const text = await readFile(new URL(`../examples/${name}.ts`, import.meta.url), "utf8");
  expect(text.trimEnd().split("\n").length).toBeLessThan(30);
});
