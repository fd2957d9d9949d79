// What every story begins with: an engine of its own, visitors who come, operators at their desks.

import {
  type BrowserContext,
  type BrowserContextOptions,
  test as base,
  expect,
} from "@playwright/test";
import { Desk } from "./desk.ts";
import { Engine } from "./engine.ts";
import { Operators, type Person } from "./operators.ts";
import { Shop } from "./shop.ts";
import { Sounds } from "./sounds.ts";
import { Watchdog } from "./watchdog.ts";

/** A new visitor: a browser that has not been here. They come from `from`, an address. */
export type Visit = (options?: BrowserContextOptions & { from?: string }) => Promise<Shop>;

interface Story {
  /** Keys of the engine's configuration, `test.use({ settings: { "presence.visitor_grace_ms": 500 } })`. */
  settings: Record<string, string | number>;
  engine: Engine;
  operators: Operators;
  visit: Visit;
  /** An operator who has signed up; their desk is open. */
  sit(person: Person, options?: BrowserContextOptions): Promise<Desk & { sounds: Sounds }>;
  watchdog: Watchdog;
}

export const test = base.extend<Story>({
  settings: [{}, { option: true }],
  engine: async ({ settings }, use) => {
    const engine = await Engine.start(settings);
    await use(engine);
    await engine.close();
  },
  operators: async ({ engine }, use) => use(new Operators(engine)),
  watchdog: async ({}, use) => {
    const watchdog = new Watchdog();
    await use(watchdog);
    expect(watchdog.problems, "what pages must not do").toEqual([]);
  },
  visit: async ({ browser, engine, watchdog }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async ({ from, ...options } = {}) => {
      const context = await browser.newContext(options);
      watchdog.watch(context, `visitor ${contexts.push(context)}`);
      engine.shop.from = from;
      return new Shop(await context.newPage(), engine.shop.url);
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
  sit: async ({ browser, engine, operators, watchdog }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (person, options = {}) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      watchdog.watch(context, person.name);
      await operators.signUp(context.request, person);
      const page = await context.newPage();
      const sounds = await Sounds.listen(page);
      const desk = new Desk(page, engine.desk.url);
      await desk.open();
      await desk.ready();
      return Object.assign(desk, { sounds });
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
});

export { expect };
