import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { generate, TARGET } from "../scripts/generate.mjs";

it("the types are those of the protocol's schema", async () => {
  const message =
    "src/protocol.ts is stale: run `npm run generate` in clients/sdk and commit what it writes";
  expect(await readFile(TARGET, "utf8"), message).toBe(await generate());
});
