// What others get: the built package, and what it adds to a page.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { bundle, CASES } from "../scripts/size.mjs";

const run = promisify(execFile);
const sdk = fileURLToPath(new URL("..", import.meta.url));

it.each(CASES)("$name is at most $limit bytes, compressed", async ({ limit, without, ...what }) => {
  const code = await bundle(what);
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(limit);
  for (const text of without ?? []) {
    expect(code).not.toContain(text);
  }
});

it("a program that has only what is published compiles and runs", async () => {
  await run("npm", ["run", "build"], { cwd: sdk });
  const folder = await mkdtemp(join(tmpdir(), "vigie-consumer-"));
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "@vigie"), { recursive: true });
  await cp(join(sdk, "dist"), join(modules, "@vigie/client"), { recursive: true });
  await cp(join(sdk, "../node_modules/@msgpack"), join(modules, "@msgpack"), { recursive: true });
  const program = `
    import { connectVisitor, messagePack, type VisitorClient } from "@vigie/client";
    import { json } from "@vigie/client/core";
    import { tcp } from "@vigie/client/node";
    const client: VisitorClient = connectVisitor({ url: "tcp://127.0.0.1:1", site: "x", transport: tcp });
    client.on("state", ({ kind }) => {
      if (kind === "waiting") {
        console.log(json.subprotocol, messagePack.subprotocol);
        client.close();
      }
    });`;
  await writeFile(join(folder, "program.mts"), program);
  const compiler = join(sdk, "../node_modules/.bin/tsc");
  const options = ["--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom"];
  await run(compiler, [...options, "program.mts"], { cwd: folder });
  const { stdout } = await run(process.execPath, ["program.mjs"], { cwd: folder });
  expect(stdout.trim()).toBe("vigie.v1.json vigie.v1.msgpack");
  await rm(folder, { recursive: true });
});
