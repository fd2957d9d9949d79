import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client, LiveView } from "../src/index.ts";
import { Engine, eventually } from "./engine.ts";
import { CARRIERS, Notes, operate, serveBot, visit } from "./people.ts";

describe.each(CARRIERS)("over %s", (via) => {
  let engine: Engine;
  const clients: Client[] = [];
  const guest = <C extends Client>(client: C): C => {
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    for (const client of clients) {
      client.close();
    }
    await engine.dispose();
  });

  it("a visitor asks, the bot answers, an operator watches, takes over, replies and hands back", async () => {
    const bot = guest(await serveBot(engine, via));
    const handedBack: string[][] = [];
    bot.serve({
      turn: (turn, reply) => {
        reply.draft("I think");
        const last = turn.messages.at(-1)?.body;
        void reply.answer(`You said ${last?.type === "message" ? last.text : "?"}`);
      },
      handedBack: ({ messages }) => {
        handedBack.push(messages.map(({ body }) => body.type));
      },
    });
    await bot.ready();

    const visitor = guest(visit(engine, via));
    const seen = new Notes();
    visitor.follow(seen.handlers);
    const done = await visitor.say("Hello");
    expect(done.epoch).toBe(1);
    await eventually("the bot's answer", () => seen.texts.length === 2);
    expect(seen.texts).toEqual(["Hello", "You said Hello"]);

    const ann = guest(await operate(engine, "ann", via, { name: "Ann" }));
    let view: LiveView | undefined;
    ann.watch(
      { show: "all" },
      {
        change: (next) => {
          view = next;
        },
      },
    );
    const card = await eventually("the card", () =>
      view?.cards.find(({ session }) => session === visitor.session),
    );
    expect(card.last?.text).toBe("You said Hello");
    const observed = new Notes();
    const following = ann.follow(card.session, observed.handlers);
    await eventually("the past", () => observed.caughtUp === 1);
    expect(observed.types).toEqual(["session_started", "message", "message"]);

    const taken = await ann.takeOver(card.session);
    expect(taken.epoch).toBe(2);
    await ann.say(card.session, "Ann here", { seen: following.offset });
    await eventually("Ann's words", () => seen.texts.at(-1) === "Ann here");
    expect(seen.holders).toEqual(["bot", "Ann"]);
    await ann.release(card.session);
    await eventually("the hand-back", () => handedBack.length === 1);
    expect(handedBack[0]).toEqual(["control_changed", "message", "control_changed"]);
  });
});
