// What no page may do: break the content security policy, or fail with an error that nobody catches.

import type { BrowserContext } from "@playwright/test";

export class Watchdog {
  readonly problems: string[] = [];

  watch(context: BrowserContext, whose: string): void {
    context.on("weberror", ({ error }) => {
      this.problems.push(`${whose}: ${error().message}`);
    });
    context.on("console", (message) => {
      if (/content security policy/i.test(message.text())) {
        this.problems.push(`${whose}: ${message.text()}`);
      }
    });
  }
}
