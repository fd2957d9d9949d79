/** Prints what a browser loads before the desk shows, and fails above the bound. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const FIRST_LOAD_BYTES_MAX = 120 * 1024;

const dist = new URL("../dist/", import.meta.url);
const html = readFileSync(new URL("index.html", dist), "utf8");
const loaded = [
  "index.html",
  ...[...html.matchAll(/(?:src|href)="\/desk\/([^"]+\.(?:js|css))"/g)].map((match) => match[1]),
];
if (loaded.length < 3) {
  throw new Error(`${fileURLToPath(dist)}index.html loads no script or no style`);
}

let total = 0;
for (const file of loaded) {
  const size = gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
  total += size;
  console.log(`${kilobytes(size)}  ${file}`);
}
console.log(
  `${kilobytes(total)}  desk, first load, gzip (at most ${kilobytes(FIRST_LOAD_BYTES_MAX)})`,
);
if (total > FIRST_LOAD_BYTES_MAX) {
  console.error("The desk's first load is above its bound.");
  process.exitCode = 1;
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1).padStart(6)} KiB`;
}
