// An operator's browser: the desk, found by roles and names, in English.

import { expect, type Locator, type Page } from "@playwright/test";

export class Desk {
  readonly page: Page;
  readonly list: Locator;
  readonly cards: Locator;
  readonly search: Locator;
  readonly conversation: Locator;
  readonly log: Locator;
  readonly takeOver: Locator;
  readonly release: Locator;
  readonly reply: Locator;
  readonly send: Locator;
  readonly visitor: Locator;
  readonly palette: Locator;
  readonly #origin: string;

  constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
    this.list = page.getByRole("listbox", { name: "Live conversations" });
    this.cards = this.list.getByRole("option");
    this.search = page.getByRole("searchbox", { name: "Search conversations" });
    this.conversation = page.getByRole("region", { name: "Conversation", exact: true });
    this.log = this.conversation.getByRole("log");
    this.takeOver = this.conversation.getByRole("button", { name: "Take over" });
    this.release = this.conversation.getByRole("button", { name: "Release" });
    this.reply = this.conversation.getByRole("textbox", { name: "Reply" });
    this.send = this.conversation.getByRole("button", { name: "Send", exact: true });
    this.visitor = page.getByRole("region", { name: "Visitor", exact: true });
    this.palette = page.getByRole("dialog", { name: "Command palette" });
  }

  async open(): Promise<void> {
    await this.page.goto(`${this.#origin}/desk`);
  }

  /** Waits until the list has come, with or without anybody in it. */
  async ready(): Promise<void> {
    await expect(this.page.locator("[role=tabpanel][aria-busy=false]")).toBeVisible();
  }

  card(text: string | RegExp): Locator {
    return this.cards.filter({ hasText: text });
  }

  /** Opens the conversation of a card, to observe it. */
  async observe(card: Locator = this.cards.first()): Promise<void> {
    await card.click();
    await expect(this.conversation).toBeVisible();
    await expect(this.log).toBeVisible();
  }

  async take(): Promise<void> {
    await this.takeOver.click();
    await expect(this.release).toBeVisible();
  }

  async say(text: string): Promise<void> {
    await this.reply.fill(text);
    await this.send.click();
  }

  /** Says something and waits until the engine has it: what is on its way is shown as well. */
  async tell(text: string): Promise<void> {
    await this.say(text);
    await expect(this.said(text)).toBeVisible();
    await expect(this.log.getByText("Sending…")).toHaveCount(0);
  }

  said(text: string | RegExp): Locator {
    return this.log.getByText(text, { exact: true });
  }

  filter(name: "All" | "Waiting" | "Bot" | "Mine" | "Others"): Locator {
    const show = this.page.getByRole("tablist", { name: "Show" });
    return show.getByRole("tab", { name: new RegExp(`^${name}\\b`) });
  }

  header(name: "Notifications" | "Display name" | "Sites" | "Account" | "Theme"): Locator {
    return this.page.getByRole("banner").getByRole("button", { name: new RegExp(`^${name}`) });
  }
}
