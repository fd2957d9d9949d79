// Counts the sounds that a desk asks for, whether or not the browser lets them be heard.

import type { Page } from "@playwright/test";

declare global {
  interface Window {
    soundsAskedFor?: string[];
  }
}

export class Sounds {
  readonly #page: Page;

  /** Before the page is opened. */
  static async listen(page: Page): Promise<Sounds> {
    await page.addInitScript(() => {
      const asked: string[] = [];
      window.soundsAskedFor = asked;
      window.addEventListener("vigie:sound", (event) => {
        asked.push(JSON.stringify((event as CustomEvent<unknown>).detail ?? null));
      });
    });
    return new Sounds(page);
  }

  private constructor(page: Page) {
    this.#page = page;
  }

  async count(): Promise<number> {
    return (await this.all()).length;
  }

  /** What each was asked with. */
  async all(): Promise<string[]> {
    return await this.#page.evaluate(() => window.soundsAskedFor ?? []);
  }
}
