// Pictures of the shop, the widget in its states and the desk, for README.md: `make screenshots`.

import { expect, test } from "./support/fixtures.ts";
import { picture } from "./support/picture.ts";
import type { Shop } from "./support/shop.ts";

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const PIXEL =
  "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36";
const EDGE =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0";
const SAFARI =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15";

/** From several countries, by their addresses; who comes last is first in the list. */
const PEOPLE = [
  ["80.67.169.12", FIREFOX, "rollier.html", "Does the pannier fit a rack with 18 mm tubes?"],
  ["159.148.0.1", PIXEL, "shipping.html", "How long does delivery take?"],
  ["133.11.0.1", SAFARI, "hulotte.html", "Is the backpack waterproof?"],
  ["81.2.69.160", EDGE, "pinson.html", "Which bag fits a Brompton?"],
  ["91.198.174.192", IPHONE, "moineau.html", "Do you wrap gifts?"],
  ["195.176.255.237", IPHONE, "cart.html", "My discount code is refused"],
  ["130.149.0.1", FIREFOX, "bags.html?kind=care", "How often should I wax the canvas?"],
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
    for (const [from, userAgent, path, says] of PEOPLE) {
      const shop = await visit({ from, userAgent });
      if (path === "rollier.html") await lookAround(shop);
      await shop.chat(path);
      await shop.widget.tell(says);
      if (path === "cart.html") await shop.widget.choose("Talk to a human");
    }
    await expect(ana.cards).toHaveCount(PEOPLE.length);
    await ben.observe(ben.cards.nth(2));
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

/** Comes from a search, looks at some pages and puts something into the cart. */
async function lookAround(shop: Shop): Promise<void> {
  await shop.open("", "https://www.google.com/");
  await expect(shop.widget.launcher).toBeVisible();
  await shop.open("moineau.html");
  await shop.page.getByRole("button", { name: "Add to the cart" }).click();
  await expect(shop.page.getByText("It is in your cart.")).toBeVisible();
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
