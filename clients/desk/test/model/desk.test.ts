// The desk at a real engine: signing in, invitations, sites, tokens.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Engine, eventually, within } from "../../../sdk/test/engine.ts";
import { ApiError, Http, problemIn } from "../../src/model/http.ts";
import {
  cookieFetch,
  Desktop,
  firstInvitation,
  hire,
  MemoryStorage,
  originOf,
  PASSWORD,
  visit,
} from "./support.ts";

let engine: Engine;
const desktops: Desktop[] = [];

function desktop(
  ...args: ConstructorParameters<typeof Desktop> extends [Engine, ...infer Rest] ? Rest : never
) {
  const one = new Desktop(engine, ...args);
  desktops.push(one);
  return one;
}

beforeEach(async () => {
  engine = await Engine.start();
});

afterEach(async () => {
  for (const one of desktops.splice(0)) {
    one.desk.stop();
  }
  await engine.dispose();
});

const problem = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error: unknown) => problemIn(error),
  );

describe("the first admin", () => {
  it("is made by the printed link, which is gone from the address, and works on every site", async () => {
    const code = await firstInvitation(engine);
    let fragment = `invitation=${code}`;
    const { desk } = desktop({
      address: {
        fragment: () => fragment,
        clearFragment: () => {
          fragment = "";
        },
      },
    });
    await desk.start();
    expect(fragment).toBe("");
    expect(desk.stage.value).toBe("invited");
    expect(desk.invitation.value).toMatchObject({ rank: "admin" });
    const weak = { login: "ann", password: "short", displayName: "Ann" };
    expect(await problem(desk.accept(weak))).toMatchObject({ kind: "field", field: "password" });
    expect(desk.stage.value).toBe("invited");
    await desk.accept({ ...weak, password: PASSWORD });
    expect(desk.stage.value).toBe("desk");
    expect(desk.account.value?.login).toBe("ann");
    expect(desk.site.value).toMatchObject({ id: "shop", rank: "admin" });
    await eventually(
      "the site to be online",
      () => desk.site.value?.connection.value.kind === "online",
    );
    expect(desk.site.value?.displayName.value).toBe("Ann");
  });

  it("is not made twice: the link is gone, and the sign-in form is there", async () => {
    const code = await firstInvitation(engine);
    await hire(engine);
    const { desk } = desktop({
      address: { fragment: () => `invitation=${code}`, clearFragment: () => {} },
    });
    await desk.start();
    expect(desk.stage.value).toBe("signed-out");
    expect(desk.invitationGone.value).toBe(true);
  });
});

describe("signing in", () => {
  it("needs the right password, and lasts over a reload", async () => {
    await hire(engine);
    const first = desktop();
    await first.desk.start();
    expect(first.desk.stage.value).toBe("signed-out");
    expect(await problem(first.desk.signIn("ann", "wrong password"))).toEqual({ kind: "wrong" });
    await first.desk.signIn("ann", PASSWORD);
    first.desk.stop();
    const reloaded = desktop({}, first.jar);
    await reloaded.desk.start();
    expect(reloaded.desk.stage.value).toBe("desk");
    await reloaded.desk.signOut();
    expect(reloaded.desk.stage.value).toBe("signed-out");
    expect(reloaded.desk.sites.value).toEqual([]);
    const after = desktop({}, first.jar);
    await after.desk.start();
    expect(after.desk.stage.value).toBe("signed-out");
  });

  it("is refused for a while after many wrong passwords, and says for how long", async () => {
    await hire(engine);
    const origin = originOf(engine);
    const http = new Http(origin, cookieFetch(origin));
    let last: unknown;
    for (let attempt = 0; attempt < 40; attempt += 1) {
      last = await problem(http.signIn("ann", "wrong password"));
      if ((last as { kind: string }).kind !== "wrong") {
        break;
      }
    }
    expect(last).toMatchObject({ kind: "slow-down" });
    expect((last as { retryAfter: number }).retryAfter).toBeGreaterThan(0);
  });

  it("that ran out is renewed over the desk: nothing that was composed or sent is lost", async () => {
    await hire(engine);
    const visitor = visit(engine);
    await visitor.ready();
    const one = await desktop().signIn("ann");
    const conversation = await one.open(visitor.session ?? "");
    await conversation.takeOver();
    conversation.text.value = "half a sent";
    one.jar.cookie = "";
    await engine.kill();
    await engine.serve();
    await eventually("the desk to notice", () => one.desk.expired.value);
    expect(one.desk.stage.value).toBe("desk");
    conversation.text.value = "sent while nobody was signed in";
    await conversation.send();
    conversation.text.value = "half a sent";
    await one.desk.signIn("ann", PASSWORD);
    expect(one.desk.expired.value).toBe(false);
    await one.settled();
    expect(conversation.text.value).toBe("half a sent");
    await eventually("what was sent meanwhile", () =>
      conversation.items.value.some(
        (item) => item.kind === "message" && item.text === "sent while nobody was signed in",
      ),
    );
    expect(conversation.pending.value).toEqual([]);
    visitor.close();
  });

  it("in one tab signs the other tabs out and in", async () => {
    await hire(engine);
    const local = new MemoryStorage();
    const here = await desktop({ local: local.tab() }).signIn("ann");
    const there = await desktop({ local: local.tab() }, here.jar).signIn("ann");
    await here.desk.signOut();
    await eventually("the other tab to say so", () => there.desk.expired.value);
    await here.desk.signIn("ann", PASSWORD);
    await eventually("the other tab to go on", () => !there.desk.expired.value);
    expect(there.desk.stage.value).toBe("desk");
  });
});

it("an engine that is down is asked again until it answers", async () => {
  await hire(engine);
  await engine.stop();
  const one = desktop();
  await one.desk.start();
  expect(one.desk.stage.value).toBe("unreachable");
  await engine.serve();
  await eventually("the desk", () => one.desk.stage.value === "signed-out");
});

it("an operator of several sites hears of all of them, and works on one at a time", async () => {
  await engine.addSite("bakery");
  await engine.stop();
  await engine.serve();
  await hire(engine);
  const one = await desktop().signIn("ann");
  expect(one.desk.sites.value.map(({ id }) => id).sort()).toEqual(["bakery", "shop"]);
  one.desk.openSite("bakery");
  await eventually("both to be online", () =>
    one.desk.sites.value.every(({ connection }) => connection.value.kind === "online"),
  );
  const visitor = visit(engine);
  await visitor.say("Anybody there?");
  await eventually("a sound", () => one.test.sounds.length > 0);
  expect(one.test.sounds).toMatchObject([{ kind: "new", site: "shop", session: visitor.session }]);
  expect(one.desk.title.value).toMatch(/^\(1\) /);
  one.test.notices[0]?.opened();
  expect(one.site.id).toBe("shop");
  expect(one.active.session).toBe(visitor.session);
  one.active.look(true);
  await eventually("nothing unread", () => !one.desk.title.value.startsWith("("));
  visitor.close();
});

it("another display name is what others see from then on", async () => {
  await hire(engine);
  const visitor = visit(engine);
  await visitor.ready();
  const one = await desktop().signIn("ann");
  const conversation = await one.open(visitor.session ?? "");
  await one.site.rename("Annika");
  expect(one.site.displayName.value).toBe("Annika");
  await conversation.takeOver();
  await eventually("the name", () => {
    const holder = conversation.control.value?.holder;
    return holder?.kind === "operator" && holder.name === "Annika";
  });
  expect(await problem(one.site.rename("   "))).toMatchObject({ kind: "field" });
  visitor.close();
});

it("an intent outlives a restart of the engine", async () => {
  await hire(engine);
  const one = await desktop().signIn("ann");
  expect(one.site.intent.value).toBe("available");
  await one.site.setIntent("away");
  await engine.kill();
  await engine.serve();
  await one.settled();
  const intent = async () =>
    (await one.site.operators()).find(({ name }) => name === "Ann")?.intent;
  await within(
    "the engine to know",
    (async () => {
      while ((await intent()) !== "away") {
        // Asks once more.
      }
    })(),
  );
  expect(one.site.intent.value).toBe("away");
});

it("errors of the API carry their problem", () => {
  const error = new ApiError({ kind: "slow-down", retryAfter: 3 });
  expect(problemIn(error)).toEqual({ kind: "slow-down", retryAfter: 3 });
  expect(problemIn(new Error("no"))).toBeUndefined();
});
