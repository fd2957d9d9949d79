// What rings, and for whom: the sounds that a desk asks for are counted.

import type { Desk } from "./support/desk.ts";
import { expect, test } from "./support/fixtures.ts";
import type { Sounds } from "./support/sounds.ts";

/** As the desk has them: `clients/desk/src/model/bounds.ts`. */
const SOUND_GAP_MS = 300;
const RING_AGAIN_MS = 15_000;

type Choice = "All messages" | "New conversations only" | "None";

const EXPECTED: Record<Choice, number> = {
  // A conversation that begins, and two more messages in it.
  "All messages": 3,
  "New conversations only": 1,
  None: 0,
};

for (const choice of Object.keys(EXPECTED) as Choice[]) {
  test(`with "${choice}" a desk rings ${EXPECTED[choice]} times for a conversation of three messages`, async ({
    sit,
    visit,
  }) => {
    const ana = await sit({ login: "ana", name: "Ana" });
    await ana.page.clock.install();
    await ana.page.reload();
    await choose(ana, choice);
    const shop = await visit();
    await shop.chat();
    for (const [at, text] of ["One", "Two", "Three"].entries()) {
      await shop.widget.tell(text);
      await expect.poll(() => ana.sounds.count()).toBe(Math.min(at + 1, EXPECTED[choice]));
      // Sounds that come close together are heard as one.
      await ana.page.clock.fastForward(SOUND_GAP_MS);
    }
    await ana.observe();
    await expect(ana.said("Three")).toBeVisible();
    expect(await ana.sounds.count()).toBe(EXPECTED[choice]);
  });
}

test("the choice is kept over a reload", async ({ sit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  await choose(ana, "None");
  await ana.page.reload();
  await ana.ready();
  await ana.header("Notifications").click();
  await expect(ana.page.getByRole("menuitemradio", { name: /^None/ })).toBeChecked();
});

test("once somebody has taken a conversation nothing rings for it at the other desks", async ({
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const ben = await sit({ login: "ben", name: "Ben" });
  await choose(ana, "All messages");
  await choose(ben, "All messages");
  const shop = await visit();
  await shop.chat();
  await shop.widget.tell("One");
  await expect.poll(() => ben.sounds.count()).toBe(1);
  await ana.observe();
  await ana.take();
  await expect(shop.widget.liveAgent("Ana")).toBeVisible();
  await shop.widget.tell("Two");
  await expect.poll(() => ana.sounds.count()).toBe(2);
  // Ben's list shows the message, so his desk has heard of it, and it has not rung.
  await expect(ben.card("Two")).toBeVisible();
  expect(await ben.sounds.count()).toBe(1);
});

test("a visitor who waits for a human rings again at every desk until somebody takes over", async ({
  sit,
  visit,
}) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const ben = await sit({ login: "ben", name: "Ben" });
  await ben.page.clock.install();
  await ben.page.reload();
  await choose(ben, "New conversations only");
  const shop = await visit();
  await shop.chat();
  await shop.widget.tell("One");
  await expect.poll(() => ben.sounds.count()).toBe(1);
  await ben.page.clock.fastForward(SOUND_GAP_MS);
  await shop.widget.choose("Talk to a human");
  await expect.poll(() => ben.sounds.count()).toBe(2);
  await ben.page.clock.fastForward(RING_AGAIN_MS);
  await expect.poll(() => ben.sounds.count()).toBe(3);

  await ana.observe();
  await ana.take();
  await expect(ben.cards.first()).toContainText("Ana");
  await ben.page.clock.fastForward(RING_AGAIN_MS);
  expect(await ben.sounds.count()).toBe(3);
});

test("the title counts what is unread", async ({ sit, visit }) => {
  const ana = await sit({ login: "ana", name: "Ana" });
  const shop = await visit();
  await shop.chat();
  await shop.widget.tell("One");
  await shop.widget.tell("Two");
  await expect(ana.page).toHaveTitle(/\(2\)/);
  await ana.observe();
  await expect(ana.page).not.toHaveTitle(/\(\d/);
});

async function choose(desk: Desk & { sounds: Sounds }, choice: Choice): Promise<void> {
  await desk.header("Notifications").click();
  const item = desk.page.getByRole("menuitemradio", { name: new RegExp(`^${choice}`) });
  await item.click();
  await desk.page.keyboard.press("Escape");
}
