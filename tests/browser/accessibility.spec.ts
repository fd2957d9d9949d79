// axe-core over the widget and the desk in each of their states.

import { expectAccessible } from "./support/axe.ts";
import { expect, test } from "./support/fixtures.ts";

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing to complain about in the widget (${colorScheme})`, async ({
    engine,
    sit,
    visit,
  }) => {
    const ana = await sit({ login: "ana", name: "Ana" });
    const shop = await visit({ colorScheme });
    const { page, widget } = shop;
    await shop.open();
    await expect(widget.launcher).toBeVisible();
    await expectAccessible(page, "closed");
    await widget.open();
    await expectAccessible(page, "open");
    await widget.tell("What does shipping cost?");
    await expect(widget.said(/4\.90/).first()).toBeVisible();
    await expectAccessible(page, "the bot has answered");
    await widget.options.click();
    await expectAccessible(page, "the menu");
    await page.keyboard.press("Escape");
    await widget.choose("Talk to a human");
    await expect(widget.status).toContainText("Waiting for a human");
    await expectAccessible(page, "waiting");
    await ana.observe();
    await ana.take();
    await ana.say("Hello");
    await expect(widget.said("Hello")).toBeVisible();
    await expectAccessible(page, "a human answers");
    engine.shop.cut();
    await expect(widget.status).toContainText("Reconnecting…");
    await widget.say("Are you there?");
    await expectAccessible(page, "offline");
    engine.shop.restore();
    await expect(widget.status).not.toContainText("Reconnecting…", { timeout: 20_000 });
    await widget.choose("End conversation");
    await widget.rating.getByRole("radio", { name: "5 stars" }).check({ force: true });
    await expectAccessible(page, "rating");
  });

  test(`axe finds nothing to complain about in the desk (${colorScheme})`, async ({
    browser,
    engine,
    sit,
    visit,
  }) => {
    const context = await browser.newContext({ colorScheme });
    const stranger = await context.newPage();
    await stranger.goto(`${engine.desk.url}/desk`);
    await expect(stranger.getByRole("button", { name: "Sign in" })).toBeVisible();
    await expectAccessible(stranger, "sign in");
    await stranger.goto(`${engine.desk.url}/desk#invitation=${await engine.firstInvitation()}`);
    await stranger.reload();
    await context.close();

    const ana = await sit({ login: "ana", name: "Ana" }, { colorScheme });
    const { page } = ana;
    await expectAccessible(page, "nobody is there");
    const shop = await visit({ from: "80.67.169.12" });
    await shop.chat();
    await shop.widget.tell("What does shipping cost?");
    await expect(shop.widget.said(/4\.90/).first()).toBeVisible();
    await expect(ana.cards).toHaveCount(1);
    await expectAccessible(page, "a card");
    await ana.observe();
    await expect(ana.visitor).toBeVisible();
    await expectAccessible(page, "observing");
    await ana.take();
    await expectAccessible(page, "in control");
    await ana.say("Hello");
    await expect(shop.widget.said("Hello")).toBeVisible();
    await expectAccessible(page, "replied");
    for (const name of ["Notifications", "Account", "Sites"] as const) {
      await ana.header(name).click();
      await expectAccessible(page, name);
      await page.keyboard.press("Escape");
    }
    await ana.header("Display name").click();
    await expectAccessible(page, "display name");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await expect(ana.palette).toBeVisible();
    await expectAccessible(page, "palette");
    await page.keyboard.press("Escape");
    engine.desk.cut();
    await expect(page.getByText(/Connection lost/)).toBeVisible();
    await expectAccessible(page, "offline");
  });
}
