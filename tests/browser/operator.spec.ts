// Operators and their accounts: the first link, signing in, names, sites, keys.

import { Desk } from "./support/desk.ts";
import { expect, test } from "./support/fixtures.ts";
import { PASSWORD } from "./support/operators.ts";

test("the printed link makes the first admin, once, and leaves no trace in the address", async ({
  browser,
  engine,
}) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const link = `${engine.desk.url}/desk#invitation=${await engine.firstInvitation()}`;
  await page.goto(link);
  await page.getByRole("textbox", { name: "Login" }).fill("ana");
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByRole("textbox", { name: "Display name" }).fill("Ana");
  expect(page.url()).not.toContain("invitation");
  await page.getByRole("button", { name: "Create account" }).click();
  await new Desk(page, engine.desk.url).ready();
  await page.reload();
  await new Desk(page, engine.desk.url).ready();

  const other = await (await browser.newContext()).newPage();
  await other.goto(link);
  await expect(other.getByText(/This invitation was used/)).toBeVisible();
  await context.close();
  await other.context().close();
});

test("a wrong password is refused, the right one opens the desk, and signing out closes it", async ({
  browser,
  engine,
  operators,
}) => {
  const context = await browser.newContext();
  await operators.signUp(context.request, { login: "ana", name: "Ana" });
  await context.clearCookies();
  const page = await context.newPage();
  await page.goto(`${engine.desk.url}/desk`);
  await page.getByRole("textbox", { name: "Login" }).fill("ana");
  await page.getByRole("textbox", { name: "Password" }).fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("Login or password is wrong.");
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await new Desk(page, engine.desk.url).ready();
  await page
    .getByRole("banner")
    .getByRole("button", { name: /^Account/ })
    .click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await context.close();
});

test("a link for a new password opens the desk with it, and the old one no longer does", async ({
  browser,
  engine,
  operators,
}) => {
  const context = await browser.newContext();
  await operators.signUp(context.request, { login: "ana", name: "Ana" });
  await context.clearCookies();
  const link = /#invitation=\S+/.exec(await engine.command("operator", "reset", "ana"))?.[0];
  const page = await context.newPage();
  await page.goto(`${engine.desk.url}/desk${link}`);
  await expect(page.getByRole("textbox", { name: "Login" })).toHaveValue("ana");
  await page.getByRole("textbox", { name: "Password" }).fill("another long word");
  await page.getByRole("button", { name: "Set password" }).click();
  await new Desk(page, engine.desk.url).ready();

  await context.clearCookies();
  await page.reload();
  await page.getByRole("textbox", { name: "Login" }).fill("ana");
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("Login or password is wrong.");
  await context.close();
});

test("visitors see the display name that the operator has set", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  await shop.chat();
  await shop.widget.tell("Hello");
  await ana.header("Display name").click();
  const dialog = ana.page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Display name" }).fill("Ana Bērziņa");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await ana.observe();
  await ana.take();
  await expect(shop.widget.liveAgent("Ana Bērziņa")).toBeVisible();
});

test("everything can be done from the keyboard", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const [first, second] = [await visit(), await visit()];
  await first.chat();
  await first.widget.tell("I was first");
  await second.chat();
  await second.widget.tell("I was second");
  await expect(ana.cards).toHaveCount(2);
  await ana.list.focus();
  await ana.page.keyboard.press("ArrowDown");
  await ana.page.keyboard.press("ArrowDown");
  await ana.page.keyboard.press("Enter");
  await expect(ana.log).toBeVisible();
  await expect(ana.takeOver).toBeVisible();
  await ana.page.keyboard.press("t");
  await expect(ana.release).toBeVisible();

  await ana.page.keyboard.press("Control+k");
  await expect(ana.palette).toBeVisible();
  await ana.page.keyboard.type("release");
  await ana.page.keyboard.press("Enter");
  await expect(ana.palette).toBeHidden();
  await expect(ana.takeOver).toBeVisible();
});

test("the list is searched and filtered by the engine", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  for (const text of ["A question of size", "A question of colour"]) {
    const shop = await visit();
    await shop.chat();
    await shop.widget.tell(text);
  }
  await expect(ana.cards).toHaveCount(2);
  await ana.filter("Mine").click();
  await expect(ana.cards).toHaveCount(0);
  await ana.filter("All").click();
  await expect(ana.cards).toHaveCount(2);
  await ana.search.fill("Chrome");
  await expect(ana.cards).toHaveCount(2);
  await ana.search.fill("nobody said this");
  await expect(ana.cards).toHaveCount(0);
});

test.describe("where visitors are soon taken for gone", () => {
  test.use({ settings: { "presence.visitor_grace_ms": 300 } });

  test("a card tells the visitor's country, and goes when they have gone", async ({
    sit,
    visit,
  }) => {
    const ana = await sit({ login: "ana", name: "Ana" });
    const shop = await visit({ from: "80.67.169.12" });
    await shop.chat();
    await shop.widget.tell("Bonjour");
    await expect(ana.card("France")).toBeVisible();
    await shop.page.close();
    await expect(ana.cards).toHaveCount(0);
  });
});

test("what one was writing is still there after a reload", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  await shop.chat();
  await shop.widget.tell("Hello");
  await ana.observe();
  await ana.take();
  await ana.reply.fill("A long and careful answer");
  await ana.page.reload();
  await ana.observe();
  await expect(ana.reply).toHaveValue("A long and careful answer");
});

test("when the sign-in has ended, signing in again leads back to what one was writing", async ({
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  await ana.page.clock.install();
  await ana.page.reload();
  const shop = await visit();
  await shop.chat();
  await shop.widget.tell("Hello");
  await ana.observe();
  await ana.take();
  await ana.reply.fill("A long and careful answer");
  await ana.page.context().clearCookies();
  await ana.page.clock.fastForward("20:00");

  const dialog = ana.page.getByRole("dialog", { name: "Your session has ended" });
  await dialog.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await expect(dialog).toBeHidden();
  await expect(ana.reply).toHaveValue("A long and careful answer");
  await ana.send.click();
  await expect(shop.widget.said("A long and careful answer")).toBeVisible();
});

test("a supervisor takes a conversation from another operator only with a reason", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const ben = await sit({ login: "ben", name: "Ben" });
  const shop = await visit();
  await shop.chat();
  await shop.widget.tell("Hello");
  await ben.observe();
  await ben.take();
  await ana.observe();
  await ana.takeOver.click();
  await expect(ana.conversation.getByRole("alert")).toContainText("Ben");
  await ana.conversation.getByRole("button", { name: "More actions" }).click();
  await ana.page.getByRole("menuitem", { name: "Take over by force…" }).click();
  const dialog = ana.page.getByRole("dialog", { name: "Take over by force" });
  await dialog.getByRole("textbox", { name: "Reason" }).fill("Ben is on the phone");
  await dialog.getByRole("button", { name: "Take over by force" }).click();
  await expect(shop.widget.liveAgent("Ana")).toBeVisible();
  await expect(ben.release).toHaveCount(0);
  const changes = (await engine.log(await engine.session())).filter(
    ({ body }) => body.type === "control_changed",
  );
  expect(changes.at(-1)?.body).toMatchObject({ cause: "forced", reason: "Ben is on the phone" });
  await expect(shop.page.getByText("Ben is on the phone")).toHaveCount(0);
});
