// Pictures of the shop, the widget in its states and the desk, for README.md: `make screenshots`.

import type { Page } from "@playwright/test";
import { expect, test } from "./support/fixtures.ts";
import { picture } from "./support/picture.ts";

const PEOPLE = [
  {
    from: "80.67.169.12",
    path: "rollier.html",
    says: "Does the pannier fit a rack with 18 mm tubes?",
  },
  { from: "159.148.0.1", path: "shipping.html", says: "How long does delivery to Riga take?" },
  { from: "133.11.0.1", path: "hulotte.html", says: "Can I return a bag from Japan?" },
  { from: "81.2.69.160", path: "pinson.html", says: "Which size fits a Brompton?" },
  { from: "91.198.174.192", path: "moineau.html", says: "Do you wrap gifts?" },
  { from: "195.176.255.237", path: "cart.html", says: "My discount code is refused" },
  { from: "130.149.0.1", path: "bags.html?kind=care", says: "How often should I wax the canvas?" },
] as const;

for (const colorScheme of ["light", "dark"] as const) {
  test(`@screenshots the shop and the widget (${colorScheme})`, async ({ engine, sit, visit }) => {
    const ana = await sit({ login: "ana", name: "Ana" });
    const shop = await visit({ colorScheme });
    const { page, widget } = shop;
    await shop.open();
    await expect(widget.launcher).toBeVisible();
    await picture(page, `shop-${colorScheme}`);
    await shop.open("rollier.html");
    await picture(page, `shop-product-${colorScheme}`);
    await widget.open();
    await widget.message.blur();
    await picture(page, `widget-greeting-${colorScheme}`);
    await widget.tell("What does shipping to France cost?");
    await expect(widget.said(/4\.90/).first()).toBeVisible();
    await picture(page, `widget-bot-${colorScheme}`);
    await widget.choose("Talk to a human");
    await expect(widget.status).toContainText("Waiting for a human");
    await picture(page, `widget-waiting-${colorScheme}`);
    await ana.observe();
    await ana.take();
    await ana.say(
      "Hello! I am at the bench with your Rollier in moss green. What would you like to know?",
    );
    await expect(widget.said(/at the bench/)).toBeVisible();
    await widget.tell("Does it fit a Gazelle?");
    await ana.reply.pressSequentially("It");
    await expect(widget.log.getByText("Ana is typing")).toBeAttached();
    await picture(page, `widget-human-${colorScheme}`);
    engine.shop.cut();
    await expect(widget.status).toContainText("Reconnecting…");
    await widget.say("Its rack has thick tubes");
    await picture(page, `widget-offline-${colorScheme}`);
    engine.shop.restore();
    await expect(widget.status).not.toContainText("Reconnecting…", { timeout: 20_000 });
    await expect(widget.log.getByText("Sending…")).toHaveCount(0);
    await widget.choose("End conversation");
    await widget.rating.getByRole("radio", { name: "5 stars" }).check({ force: true });
    await picture(page, `widget-rating-${colorScheme}`);
  });

  test(`@screenshots the desk (${colorScheme})`, async ({ browser, engine, sit, visit }) => {
    test.setTimeout(120_000);
    const stranger = await browser.newPage({ colorScheme });
    await stranger.goto(`${engine.desk.url}/desk`);
    await expect(stranger.getByRole("button", { name: "Sign in" })).toBeVisible();
    await picture(stranger, `desk-sign-in-${colorScheme}`);
    await stranger.close();
    const ana = await sit(
      { login: "ana", name: "Ana" },
      { colorScheme, viewport: { width: 1440, height: 900 } },
    );
    const ben = await sit({ login: "ben", name: "Ben" });
    await picture(ana.page, `desk-empty-${colorScheme}`);
    let _first: Page | undefined;
    for (const { from, path, says } of PEOPLE) {
      const shop = await visit({ from });
      _first ??= shop.page;
      await shop.chat(path);
      await shop.widget.tell(says);
      if (path === "cart.html") await shop.widget.choose("Talk to a human");
    }
    await expect(ana.cards).toHaveCount(PEOPLE.length);
    await ben.observe(
      ben
        .card(/Brompton/)
        .or(ben.cards.nth(2))
        .first(),
    );
    await ben.take();
    await ana.observe(ana.cards.last());
    await picture(ana.page, `desk-observing-${colorScheme}`);
    await ana.take();
    await ana.say("Hello, this is Ana from the workshop. We have an adapter for up to 20 mm.");
    await expect(ana.log.getByText(/We have an adapter/)).toBeVisible();
    await ana.reply.fill("It costs 9 €, and fitting it takes a minute");
    await picture(ana.page, `desk-control-${colorScheme}`);
    await ana.page.keyboard.press("Control+k");
    await expect(ana.palette).toBeVisible();
    await picture(ana.page, `desk-palette-${colorScheme}`);
    await ana.page.keyboard.press("Escape");
    await ana.header("Notifications").click();
    await picture(ana.page, `desk-notifications-${colorScheme}`);
    await ana.page.keyboard.press("Escape");
    engine.desk.cut();
    await expect(ana.page.getByText(/Connection lost/)).toBeVisible();
    await picture(ana.page, `desk-offline-${colorScheme}`);
  });
}

test("@screenshots on a phone", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit({
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
    deviceScaleFactor: 2,
  });
  await shop.open();
  await expect(shop.widget.launcher).toBeVisible();
  await picture(shop.page, "phone-shop");
  await shop.widget.open();
  await shop.widget.tell("Which size should I take?");
  await ana.observe();
  await ana.take();
  await ana.say("How tall are you?");
  await expect(shop.widget.said("How tall are you?")).toBeVisible();
  await picture(shop.page, "phone-widget");
});
