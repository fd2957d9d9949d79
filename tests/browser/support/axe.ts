// axe-core over a page as it is now; its shadow roots too. And no picture may be empty: to axe they are
// decoration.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** No rule of axe may be broken, those of good practice included. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(({ id, nodes }) => ({
    rule: id,
    where: nodes.map(({ target, failureSummary }) => `${target.join(" ")}: ${failureSummary}`),
  }));
  expect(told, what).toEqual([]);
  await expect(page.locator("svg path:not([d])"), `${what}: every icon is drawn`).toHaveCount(0);
}
