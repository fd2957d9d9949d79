// Reloads, networks and engines that go in mid-conversation: nothing is lost, nothing is said twice.

import type { Engine, Entry } from "./support/engine.ts";
import { expect, test } from "./support/fixtures.ts";

test("a reload in mid-conversation keeps all that was said, and who answers", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  const { widget, page } = shop;
  await shop.chat();
  await widget.tell("Do you ship to Latvia?");
  await ana.observe();
  await ana.take();
  await ana.say("Yes, we do");
  await expect(widget.said("Yes, we do")).toBeVisible();

  await page.reload();
  await widget.open();
  await expect(widget.said("Do you ship to Latvia?")).toHaveCount(1);
  await expect(widget.said("Yes, we do")).toHaveCount(1);
  await expect(widget.liveAgent("Ana")).toBeVisible();

  await ana.page.reload();
  await ana.observe();
  await expect(ana.said("Yes, we do")).toHaveCount(1);
  await ana.say("In four to six days");
  await expect(widget.said("In four to six days")).toHaveCount(1);
  await expectSaidOnce(engine, ["Do you ship to Latvia?", "Yes, we do", "In four to six days"]);
});

test("what is said while the network is gone is sent once when it is back", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  const { widget } = shop;
  await shop.chat();
  await widget.tell("Hello");
  await ana.observe();
  await ana.take();
  await expect(widget.liveAgent("Ana")).toBeVisible();

  engine.shop.cut();
  await expect(widget.status).toContainText("Reconnecting…");
  await widget.say("One");
  await widget.say("Two");
  await expect(widget.log.getByText("Sending…").first()).toBeVisible();
  await ana.tell("Are you there?");
  engine.shop.restore();
  await expect(widget.status).not.toContainText("Reconnecting…", { timeout: 20_000 });

  for (const text of ["One", "Two", "Are you there?"]) {
    await expect(widget.said(text)).toHaveCount(1);
    await expect(ana.said(text)).toHaveCount(1);
  }
  await expect(widget.log.getByText("Sending…")).toHaveCount(0);
  await expectSaidOnce(engine, ["Hello", "One", "Two", "Are you there?"]);
});

test("what could not be sent before the page was closed is sent when it is opened again", async ({
  engine,
  visit,
}) => {
  const shop = await visit();
  const { widget, page } = shop;
  await shop.chat();
  await widget.tell("First");
  engine.shop.cut();
  await expect(widget.status).toContainText("Reconnecting…");
  await widget.say("Second");
  await expect(widget.log.getByText("Sending…").first()).toBeVisible();
  await page.close();
  engine.shop.restore();

  const again = await page.context().newPage();
  await again.goto(`${engine.shop.url}/demo/`);
  // The tab that wrote it has some seconds to come back before another one takes it over.
  await expect
    .poll(async () => messages(await engine.log(await engine.session())), { timeout: 25_000 })
    .toContain("Second");
  await expectSaidOnce(engine, ["First", "Second"]);
});

test("an engine that is killed in mid-conversation loses nothing and says nothing twice", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  const { widget } = shop;
  await shop.chat();
  await widget.tell("Before");
  await ana.observe();
  await ana.take();
  await expect(widget.liveAgent("Ana")).toBeVisible();
  const session = await engine.session();

  // Killed while all of these are on their way.
  for (const text of ["In flight 1", "In flight 2", "In flight 3"]) await widget.say(text);
  await ana.reply.fill("Reply in flight");
  await ana.send.click();
  await engine.kill();
  await expect(widget.status).toContainText("Reconnecting…");
  await widget.say("While it is down");
  await engine.restart();

  const said = ["Before", "In flight 1", "In flight 2", "In flight 3", "While it is down"];
  for (const text of said) {
    await expect(widget.said(text)).toHaveCount(1, { timeout: 20_000 });
    await expect(ana.said(text)).toHaveCount(1, { timeout: 20_000 });
  }
  await expect(widget.log.getByText("Sending…")).toHaveCount(0);
  // The visitor wrote while the reply was on its way: it may be kept for the operator to confirm.
  const anyway = ana.page.getByRole("button", { name: "Send anyway" });
  await expect(async () => {
    if (await anyway.isVisible()) await anyway.click({ timeout: 1_000 });
    await expect(widget.said("Reply in flight")).toHaveCount(1, { timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
  await expectSaidOnce(engine, [...said, "Reply in flight"], session);
});

/** The log has each once, in this order among the visitor's, and its offsets are without gap. */
async function expectSaidOnce(engine: Engine, texts: string[], session?: string): Promise<void> {
  const log = await engine.log(session ?? (await engine.session()));
  expect(log.map(({ offset }) => offset)).toEqual(log.map((_, index) => index + 1));
  const all = messages(log);
  for (const text of texts) {
    expect(
      all.filter((each) => each === text),
      `"${text}" in the log`,
    ).toHaveLength(1);
  }
}

function messages(log: Entry[]): (string | undefined)[] {
  return log.filter(({ body }) => body.type === "message").map(({ body }) => body.text);
}
