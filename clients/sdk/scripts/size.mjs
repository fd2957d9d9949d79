// Measures what a page has to load for this package, minified and compressed, and fails above the
// limits. Also proves that a page that speaks JSON carries neither MessagePack nor other roles.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const source = (name) => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url));

const ALL = "connectVisitor, connectOperator, connectBot, json, newKey, VigieError";

/** What is measured: the code that imports, what stays outside, and the limit in bytes of gzip. */
export const CASES = [
  {
    name: "everything, without @msgpack/msgpack",
    code: `export { ${ALL}, messagePack } from "${source("index")}";`,
    external: ["@msgpack/msgpack"],
    limit: 10_624,
  },
  {
    name: "everything, with @msgpack/msgpack",
    code: `export { ${ALL}, messagePack } from "${source("index")}";`,
    external: [],
    limit: 16_384,
  },
  {
    name: "a visitor who speaks JSON (core)",
    code: `export { connectVisitor, json } from "${source("core")}";`,
    external: [],
    limit: 8_192,
    without: ["vigie.v1.msgpack", "take_over", "turn_revoked", "unwatch", "the token function"],
  },
];

/** Bundles a case as a page would. */
export async function bundle({ code, external }) {
  const folder = await mkdtemp(join(tmpdir(), "vigie-size-"));
  const entry = join(folder, "entry.ts");
  await writeFile(entry, code);
  const result = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      target: "es2022",
      // A library's bundle keeps its white space: as a page's own it does not.
      rollupOptions: { input: entry, external, preserveEntrySignatures: "strict" },
      modulePreload: { polyfill: false },
    },
  });
  await rm(folder, { recursive: true });
  const [{ output }] = Array.isArray(result) ? result : [result];
  return output.map((chunk) => chunk.code ?? "").join("");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let failed = false;
  for (const { name, limit, without = [], ...what } of CASES) {
    const code = await bundle(what);
    const size = gzipSync(code, { level: 9 }).length;
    const found = without.filter((text) => code.includes(text));
    const verdict = size > limit ? "TOO LARGE" : found.length > 0 ? `CONTAINS ${found}` : "ok";
    failed ||= verdict !== "ok";
    console.log(`${String(size).padStart(6)} of ${limit} bytes  ${verdict}  ${name}`);
  }
  process.exitCode = failed ? 1 : 0;
}
