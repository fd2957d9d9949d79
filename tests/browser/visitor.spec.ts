// What a visitor meets beside the conversation itself: languages, phones, pages, the end.

import { expect, test } from "./support/fixtures.ts";

for (const { locale, open, write, signIn, search } of [
  {
    locale: "fr-FR",
    open: "Ouvrir la discussion",
    write: "Écrivez un message…",
    signIn: "Se connecter",
    search: "Rechercher une conversation",
  },
  {
    locale: "lv-LV",
    open: "Atvērt sarunu",
    write: "Rakstiet ziņu…",
    signIn: "Pieslēgties",
    search: "Meklēt sarunās",
  },
]) {
  test(`the widget and the desk speak the language of a browser in ${locale}`, async ({
    operators,
    engine,
    browser,
    visit,
  }) => {
    const shop = await visit({ locale });
    await shop.open("fr/");
    await shop.widget.host.getByRole("button", { name: open }).click();
    await expect(shop.widget.host.getByPlaceholder(write)).toBeVisible();

    const context = await browser.newContext({ locale });
    const page = await context.newPage();
    await page.goto(`${engine.desk.url}/desk`);
    await expect(page.locator("html")).toHaveAttribute("lang", locale.slice(0, 2));
    await expect(page.getByRole("button", { name: signIn })).toBeVisible();
    await operators.signUp(context.request, { login: "ilze", name: "Ilze" });
    await page.reload();
    await expect(page.getByRole("searchbox", { name: search })).toBeVisible();
    await context.close();
  });
}

test("a French visitor is told in French that somebody has taken over", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit({ locale: "fr-FR" });
  await shop.open("fr/");
  await shop.widget.host.getByRole("button", { name: "Ouvrir la discussion" }).click();
  await shop.widget.host.getByRole("textbox").fill("Combien coûte la livraison ?");
  await shop.widget.host.getByRole("textbox").press("Enter");
  await expect(shop.page.getByText(/4,90/).last()).toBeVisible();
  await ana.observe();
  await ana.take();
  await expect(
    shop.page.getByText("Ana, de l'atelier Mésange, est maintenant avec vous."),
  ).toBeVisible();
  await ana.release.click();
  await expect(shop.page.getByText("Ana vous a rendu à Plume, notre assistante.")).toBeVisible();
});

test("on a phone the chat fills the screen and can be left again", async ({ visit }) => {
  const shop = await visit({
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
    deviceScaleFactor: 2,
  });
  await shop.open();
  await shop.widget.launcher.tap();
  await expect
    .poll(() => shop.widget.panel.boundingBox())
    .toMatchObject({ x: 0, y: 0, width: 390, height: 844 });
  await shop.widget.tell("Which size should I take?");
  await expect(shop.widget.said("Which size should I take?")).toBeInViewport();
  const across = await shop.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(across, "nothing is wider than the screen").toBeLessThanOrEqual(0);
  await shop.widget.panel.getByRole("button", { name: "Close chat" }).tap();
  await expect(shop.widget.panel).toBeHidden();
});

test("operators see which page a visitor is on, also when the page changes without being loaded", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  await shop.chat("bags.html");
  await shop.widget.tell("Hello");
  await ana.observe();
  const open = ana.page.getByRole("link", { name: "Open current page" });
  await expect(open).toHaveAttribute("href", /\/demo\/bags\.html$/);
  await shop.page.getByRole("link", { name: "Backpacks" }).click();
  await expect(open).toHaveAttribute("href", /\/demo\/bags\.html\?kind=backpacks$/);
  await expect(open).toHaveAttribute("target", "_blank");
  await shop.page.goBack();
  await expect(open).toHaveAttribute("href", /\/demo\/bags\.html$/);
  await shop.page.getByRole("heading", { name: "Rollier" }).click();
  await expect(open).toHaveAttribute("href", /\/demo\/rollier\.html$/);

  const log = await engine.log(await engine.session());
  const pages = log
    .filter(({ body }) => body.type === "page_viewed")
    .map(({ body }) => body.page as { url: string; title?: string });
  expect(pages.map(({ url }) => url.replace(/^.*\/demo\//, ""))).toEqual([
    "bags.html?kind=backpacks",
    "bags.html",
    "rollier.html",
  ]);
  expect(pages[0]?.title).toBe("Backpacks – Mésange");
});

test("operators see what lies in the visitor's cart, and are told only when it changes", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  await shop.chat("pinson.html");
  await shop.widget.tell("Hello");
  await ana.observe();
  await shop.widget.leave();
  await shop.page.getByRole("button", { name: "Add to the cart" }).click();
  await expect(ana.visitor.getByText("1 × Pinson")).toBeVisible();

  await shop.chat("bags.html");
  await shop.widget.tell("Still here");
  await expect(ana.said("Still here")).toBeVisible();
  const log = await engine.log(await engine.session());
  const told = log.filter(({ body }) => body.type === "data_changed").map(({ body }) => body.data);
  expect(told).toEqual([{ cart: "1 × Pinson", total: "89\u00a0€" }]);
});

test("a visitor ends the conversation, rates it and starts a new one", async ({
  engine,
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  const { widget } = shop;
  await shop.chat();
  await widget.tell("Thank you, that was all");
  await ana.observe();
  const session = await engine.session();
  await widget.choose("End conversation");
  await expect(widget.said("The conversation has ended.")).toBeVisible();
  await widget.rate(4, "Quick and kind");
  await expect(widget.panel.getByText("Thank you for your rating!")).toBeVisible();
  await expect(ana.said(/Visitor rated 4 of 5/)).toBeVisible();
  const rated = (await engine.log(session)).filter(({ body }) => body.type === "session_rated");
  expect(rated.map(({ body }) => [body.score, body.comment])).toEqual([[4, "Quick and kind"]]);

  await widget.startAnew.click();
  await widget.tell("One more thing");
  await expect(widget.said("Thank you, that was all")).toHaveCount(0);
  await expect.poll(() => engine.session()).not.toBe(session);
});

test("the launcher counts what came while the chat was closed", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  await shop.chat();
  await shop.widget.tell("Hello");
  await ana.observe();
  await ana.take();
  await expect(shop.widget.liveAgent("Ana")).toBeVisible();
  await shop.widget.leave();
  await ana.say("Still there?");
  await expect(shop.widget.host.getByRole("button", { name: "Open chat, 1 unread" })).toBeVisible();
  await shop.widget.open();
  await expect(shop.widget.said("Still there?")).toBeVisible();
});

test("links in messages are links, and markup is only text", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  await shop.chat();
  const markup = '<img src=x onerror="document.title=1"> <b>bold</b>';
  await shop.widget.tell(markup);
  await ana.observe();
  await expect(ana.said(markup)).toBeVisible();
  await ana.take();
  await ana.say("See https://mesange.example/orders please");
  const link = shop.widget.log.getByRole("link", { name: "https://mesange.example/orders" });
  await expect(link).toHaveAttribute("href", "https://mesange.example/orders");
  await expect(link).toHaveAttribute("rel", /noopener/);
  await expect(shop.widget.log.locator("img, b:has-text('bold')")).toHaveCount(0);
});

test("the widget works on a site of its own under the strictest policy, and tells what the page says", async ({
  engine,
  visit,
}) => {
  const { page, widget } = await visit();
  await page.goto(engine.elsewhere.url);
  await widget.open();
  await widget.tell("What does shipping cost?");
  await expect(widget.said(/4\.90/).first()).toBeVisible();
  const told = (await engine.log(await engine.session())).find(
    ({ body }) => body.type === "data_changed",
  );
  expect(told?.body.data).toEqual({ plan: "gold" });
});

test("the widget connects to nobody from a site that is not allowed", async ({ engine, visit }) => {
  const { page, widget } = await visit();
  // The desk's door is no origin of the site.
  await page.goto(`${engine.desk.url}/demo/`);
  await widget.open();
  await expect(widget.panel.getByText(/isn’t available on this page/)).toBeVisible();
  expect(await engine.cards()).toEqual([]);
});
