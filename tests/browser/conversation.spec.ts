// The story that everything else is for: a visitor and the bot, and an operator who steps in.

import { expect, test, type Visit } from "./support/fixtures.ts";
import type { Shop } from "./support/shop.ts";
import { until } from "./support/wait.ts";

test("a visitor asks, the bot answers, an operator observes, takes over, replies and hands back", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  await expect(ana.cards).toHaveCount(0);

  const { widget } = await visitAndAsk(visit);
  const card = ana.card("What does shipping cost?").or(ana.card("France"));
  await expect(card.first()).toBeVisible();
  await expect(ana.cards).toHaveCount(1);

  await ana.observe();
  await expect(ana.said("What does shipping cost?")).toBeVisible();
  await expect(widget.status).not.toContainText("Live agent");

  await ana.take();
  await expect(widget.liveAgent("Ana")).toBeVisible();
  await expect(widget.said("Ana from the Mésange workshop is with you now.")).toBeVisible();

  await ana.say("Hello, shall I send it to France?");
  await expect(widget.said("Hello, shall I send it to France?")).toBeVisible();
  await widget.tell("Yes, to Lyon");
  await expect(ana.said("Yes, to Lyon")).toBeVisible();

  await ana.release.click();
  await expect(ana.takeOver).toBeVisible();
  await expect(widget.said("Ana has handed you back to Plume, our assistant.")).toBeVisible();
  await expect(widget.status).not.toContainText("Live agent");
  await widget.tell("How long is the warranty?");
  await expect(widget.said(/five years/)).toBeVisible();

  const log = await engine.log(await engine.session());
  const speakers = log
    .filter(({ body }) => body.type === "message")
    .map(({ author }) => author.kind);
  expect(speakers.slice(0, 4)).toEqual(["visitor", "bot", "operator", "visitor"]);
  const taken = log
    .filter(({ body }) => body.type === "control_changed")
    .map(({ offset }) => offset);
  const human = log.filter(({ offset }) => offset > (taken[0] ?? 0) && offset < (taken[1] ?? 0));
  expect(human.some(({ author, body }) => author.kind === "bot" && body.type === "message")).toBe(
    false,
  );
});

test("of two operators who take a conversation at once one gets it, and the other is told who", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const ben = await sit({ login: "ben", name: "Ben" });
  const { widget } = await visitAndAsk(visit);
  await Promise.all([ana.observe(), ben.observe()]);

  await Promise.all([ana.takeOver.click(), ben.takeOver.click()]);
  const anaWon = await until("one of them has it", async () => {
    if (await ana.release.isVisible()) return true;
    return (await ben.release.isVisible()) ? false : undefined;
  });
  const [winner, loser] = anaWon ? [ana, ben] : [ben, ana];
  const name = anaWon ? "Ana" : "Ben";
  await expect(winner.release).toBeVisible();
  await expect(loser.release).toHaveCount(0);
  await expect(loser.conversation.getByRole("alert")).toContainText(
    `${name} took this conversation first`,
  );
  await expect(widget.liveAgent(name)).toBeVisible();

  const log = await engine.log(await engine.session());
  expect(log.filter(({ body }) => body.type === "control_changed")).toHaveLength(1);
});

test("one key takes over and one releases", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const { widget } = await visitAndAsk(visit);
  await ana.observe();
  await expect(ana.takeOver).toBeVisible();
  await ana.page.keyboard.press("t");
  await expect(widget.liveAgent("Ana")).toBeVisible();
  await expect(ana.release).toBeVisible();
  await ana.reply.fill("The r and t that one writes are letters");
  await expect(ana.release).toBeVisible();
  await ana.send.click();
  await expect(widget.said("The r and t that one writes are letters")).toBeVisible();
  await ana.reply.blur();
  await ana.page.keyboard.press("r");
  await expect(ana.takeOver).toBeVisible();
});

test("a reply that the visitor has overtaken waits until the operator has seen what they wrote", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const { widget } = await visitAndAsk(visit);
  await ana.observe();
  await ana.take();
  await expect(widget.liveAgent("Ana")).toBeVisible();

  engine.desk.cut();
  await ana.say("It ships today");
  await widget.tell("Please do not ship it yet");
  engine.desk.restore();
  await expect(ana.said("Please do not ship it yet")).toBeVisible({ timeout: 20_000 });
  const anyway = ana.page.getByRole("button", { name: "Send anyway" });
  await expect(anyway).toBeVisible();
  await expect(widget.said("It ships today")).toHaveCount(0);
  await anyway.click();
  await expect(widget.said("It ships today")).toHaveCount(1);
});

test("the visitor who asks for a human is found under those who wait", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const { widget } = await visitAndAsk(visit);
  await ana.filter("Waiting").click();
  await expect(ana.cards).toHaveCount(0);
  await widget.choose("Talk to a human");
  await expect(widget.status).toContainText("Waiting for a human");
  await expect(ana.cards).toHaveCount(1);
  await ana.observe();
  await ana.take();
  await expect(ana.cards).toHaveCount(0);
  await ana.filter("Mine").click();
  await expect(ana.cards).toHaveCount(1);
});

test("what one side is typing the other sees before it is said", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const { widget } = await visitAndAsk(visit);
  await ana.observe();
  await widget.message.pressSequentially("I am not sure");
  await expect(ana.conversation.getByText("I am not sure")).toBeVisible();
  await ana.take();
  await ana.reply.pressSequentially("Take");
  await expect(widget.log.getByText("Ana is typing")).toBeAttached();
});

async function visitAndAsk(visit: Visit): Promise<Shop> {
  const shop = await visit();
  await shop.chat();
  await shop.widget.tell("What does shipping cost?");
  await expect(shop.widget.said(/4\.90/).first()).toBeVisible();
  return shop;
}
