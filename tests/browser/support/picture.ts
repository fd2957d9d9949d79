// Pictures for README.md, under names that stay the same.

import { join } from "node:path";
import type { Page } from "@playwright/test";

const DIR = join(import.meta.dirname, "../screenshots");

export async function picture(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(DIR, `${name}.png`), animations: "disabled", caret: "hide" });
}
