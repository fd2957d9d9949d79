// The demo shop by itself: it is a site that the widget is put on, so it must be a good one.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expectAccessible } from "./support/axe.ts";
import { expect, test } from "./support/fixtures.ts";

const PAGES = [
  ["", "fr/"],
  ["bags.html", "fr/sacs.html"],
  ["rollier.html", "fr/rollier.html"],
  ["pinson.html", "fr/pinson.html"],
  ["moineau.html", "fr/moineau.html"],
  ["hulotte.html", "fr/hulotte.html"],
  ["shipping.html", "fr/livraison.html"],
  ["cart.html", "fr/panier.html"],
] as const;

test("every page of the shop links only to what is there, and to itself in the other language", async ({
  engine,
  visit,
}) => {
  const { page } = await visit();
  const seen = new Map<string, number>();
  for (const [english, french] of PAGES) {
    for (const [path, other, language] of [
      [english, french, "en"],
      [french, english, "fr"],
    ] as const) {
      const response = await page.request.get(`${engine.shop.url}/demo/${path}`);
      expect(response.status(), path).toBe(200);
      await page.goto(response.url());
      await expect(page.locator("html")).toHaveAttribute("lang", language);
      const toOther = page.getByRole("link", { name: language === "en" ? "Français" : "English" });
      await expect(toOther).toHaveAttribute("href", `/demo/${other}`);
      for (const href of await links(page)) {
        if (!seen.has(href)) seen.set(href, (await page.request.get(href)).status());
        expect(seen.get(href), `${path} links to ${href}`).toBe(200);
        const anchor = new URL(href).hash;
        if (anchor) {
          const text = await (await page.request.get(href)).text();
          expect(text, `${path} links to ${href}`).toContain(`id="${anchor.slice(1)}"`);
        }
      }
    }
  }
});

test("the prices of the shop are those that the bot knows", async () => {
  const root = join(import.meta.dirname, "../../config/demo");
  const articles = await readdir(join(root, "knowledge"));
  for (const [language, folder] of [
    ["en", "shop"],
    ["fr", "shop/fr"],
  ]) {
    const known = await Promise.all(
      articles
        .filter((name) => name.endsWith(`.${language}.md`))
        .map((name) => readFile(join(root, "knowledge", name), "utf8")),
    );
    const prices = (text: string) =>
      text.replaceAll("\u00a0", " ").match(/\d+(?:[.,]\d+)? €/g) ?? [];
    const believed = new Set(prices(known.join("\n")));
    for (const name of (await readdir(join(root, folder as string))).filter((n) =>
      n.endsWith(".html"),
    )) {
      for (const price of prices(await readFile(join(root, folder as string, name), "utf8"))) {
        expect(believed, `${folder}/${name} asks ${price}`).toContain(price);
      }
    }
  }
});

test("a cart keeps what was chosen, and adds shipping as the shop promises", async ({ visit }) => {
  const shop = await visit();
  const { page } = shop;
  await shop.open("moineau.html");
  await page.getByRole("button", { name: "Add to the cart" }).click();
  await expect(page.getByText("It is in your cart.")).toBeVisible();
  await shop.open("cart.html");
  const total = page.locator(".total dd");
  await expect(total).toHaveText("49.90\u00a0€");
  await expect(page.getByText("35\u00a0€ more and shipping is free.")).toBeVisible();

  await shop.open("rollier.html");
  await page.getByText("Slate blue").click();
  await page.getByText("A pair").click();
  await expect(page.getByText("239\u00a0€")).toBeVisible();
  await page.getByRole("button", { name: "Add to the cart" }).click();
  await page.reload();
  await expect(page.getByRole("link", { name: "Cart 2" })).toBeVisible();
  await shop.open("fr/panier.html");
  await expect(page.getByText("bleu ardoise, la paire, grande taille")).toBeVisible();
  await expect(total).toHaveText("284\u00a0€");
  await page.getByLabel("Livrer en").selectOption("us");
  await expect(total).toHaveText("308\u00a0€");
  await page.getByRole("button", { name: "Retirer, Rollier" }).click();
  await page.getByRole("button", { name: "Retirer, Moineau" }).click();
  await expect(page.getByText("Votre panier est léger comme une plume.")).toBeVisible();
});

test("a cart that makes no sense is taken for an empty one", async ({ visit }) => {
  const shop = await visit();
  await shop.open("cart.html");
  for (const nonsense of ["{", "{}", "null", '[null,{"good":"toString","quantity":1}]']) {
    await shop.page.evaluate((text) => localStorage.setItem("mesange-cart", text), nonsense);
    await shop.page.reload();
    await expect(shop.page.getByText("Your cart is as light as a feather.")).toBeVisible();
  }
});

test("kinds of bags have addresses of their own, without a page being loaded", async ({
  visit,
}) => {
  const shop = await visit();
  const { page } = shop;
  await shop.open("bags.html");
  await page.evaluate(() => Object.assign(window, { stillThere: true }));
  await page.getByRole("link", { name: "Backpacks" }).click();
  await expect(page).toHaveURL(/bags\.html\?kind=backpacks$/);
  await expect(page).toHaveTitle("Backpacks – Mésange");
  await expect(page.getByRole("heading", { name: "Hulotte" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Pinson" })).toBeHidden();
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Pinson" })).toBeVisible();
  expect(await page.evaluate(() => "stillThere" in window)).toBe(true);
  await page.goto(`${page.url()}?kind=care`);
  await expect(page.getByRole("heading", { name: "Rain cover" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Hulotte" })).toBeHidden();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing to complain about in the shop (${colorScheme})`, async ({ visit }) => {
    const shop = await visit({ colorScheme });
    // Both languages have the same structure, so each is looked at in one scheme.
    for (const [english, french] of PAGES) {
      const path = colorScheme === "light" ? english : french;
      await shop.open(path);
      await expectAccessible(shop.page, `/demo/${path}`);
    }
    await shop.open("rollier.html");
    await shop.page.getByRole("button", { name: "Add to the cart" }).click();
    await shop.open("cart.html");
    await expectAccessible(shop.page, "the cart with something in it");
  });
}

/** Where a page's links lead, on this site. */
async function links(page: Page): Promise<string[]> {
  return await page.evaluate(() =>
    [...document.querySelectorAll<HTMLAnchorElement | HTMLLinkElement>("a[href], link[href]")]
      .map(({ href }) => href)
      .filter((href) => href.startsWith(location.origin)),
  );
}
