// A visitor's browser: the shop's pages, and the widget on them.

import { expect, type Locator, type Page } from "@playwright/test";

/** Page of the demo shop. */
export class Shop {
  readonly page: Page;
  readonly widget: Widget;
  readonly #origin: string;

  constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
    this.widget = new Widget(page);
  }

  /** Opens a page of the shop: `rollier.html`, `fr/`; without a path the first page. */
  async open(path = "", from?: string): Promise<void> {
    const referer = from === undefined ? {} : { referer: from };
    await this.page.goto(`${this.#origin}/demo/${path}`, referer);
  }

  /** Opens a page and the chat on it, and waits until it is connected. */
  async chat(path = ""): Promise<void> {
    await this.open(path);
    await this.widget.open();
  }
}

/** The widget as a visitor finds it, by roles and names, in English. */
export class Widget {
  readonly host: Locator;
  readonly launcher: Locator;
  readonly panel: Locator;
  readonly log: Locator;
  readonly message: Locator;
  readonly send: Locator;
  readonly options: Locator;
  /** What is known now: who answers, that the visitor waits, that they are offline. */
  readonly status: Locator;
  readonly tryAgain: Locator;
  readonly rating: Locator;
  readonly startAnew: Locator;

  constructor(page: Page) {
    this.host = page.locator("vigie-widget");
    this.launcher = this.host.getByRole("button", { name: /^Open chat/ });
    this.panel = this.host.getByRole("dialog", { name: "Chat" });
    this.log = this.panel.getByRole("log");
    this.message = this.panel.getByRole("textbox", { name: "Message" });
    this.send = this.panel.getByRole("button", { name: "Send", exact: true });
    this.options = this.panel.getByRole("button", { name: "Options" });
    this.status = this.panel.getByRole("status");
    this.tryAgain = this.panel.getByRole("button", { name: "Try again" });
    this.rating = this.panel.getByRole("radiogroup", { name: "Rate this conversation" });
    this.startAnew = this.panel.getByRole("button", { name: "Start a new conversation" });
  }

  async open(): Promise<void> {
    // After a reload the panel opens by itself.
    await expect(this.launcher.or(this.panel).first()).toBeVisible();
    if (!(await this.panel.isVisible())) await this.launcher.click();
    await expect(this.panel).toBeVisible();
  }

  /** Closes the chat; it goes on. */
  async leave(): Promise<void> {
    await this.message.press("Escape");
    await expect(this.panel).toBeHidden();
  }

  async say(text: string): Promise<void> {
    await this.message.fill(text);
    await this.message.press("Enter");
  }

  /** Says something and waits until the engine has it. */
  async tell(text: string): Promise<void> {
    await this.say(text);
    await expect(this.said(text)).toBeVisible();
    await expect(this.log.getByText("Sending…")).toHaveCount(0);
  }

  /** Who says it does not matter: the whole of what is said, or a part by a pattern. */
  said(text: string | RegExp): Locator {
    return this.log.getByText(text, { exact: true });
  }

  /** "Live agent" with the name. */
  liveAgent(name: string): Locator {
    return this.status.filter({ hasText: "Live agent" }).filter({ hasText: name });
  }

  async choose(item: "Talk to a human" | "End conversation"): Promise<void> {
    await this.options.click();
    await this.panel.getByRole("menuitem", { name: item }).click();
  }

  async rate(stars: number, comment?: string): Promise<void> {
    const name = stars === 1 ? "1 star" : `${stars} stars`;
    await this.rating.getByRole("radio", { name }).check({ force: true });
    if (comment !== undefined) {
      await this.panel.getByRole("textbox").fill(comment);
    }
    await this.panel.getByRole("button", { name: "Send rating" }).click();
  }
}
