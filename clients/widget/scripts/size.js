// The widget's weight is a promise to every page that it is on: above the bound the build fails.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const GZIP_BYTES_MAX = 25_000;

const file = new URL("../dist/widget.js", import.meta.url);
const script = readFileSync(file);
const gzip = gzipSync(script, { level: 9 }).length;

const kb = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} KB`;
console.log(`widget.js: ${kb(script.length)}, ${kb(gzip)} gzip (less than 25 KB)`);
if (gzip >= GZIP_BYTES_MAX) {
  console.error(`widget.js is ${gzip + 1 - GZIP_BYTES_MAX} bytes too heavy`);
  process.exitCode = 1;
}
