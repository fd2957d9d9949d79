// The widget's weight is a promise to every page that it is on: above the bound the build fails.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const GZIP_BYTES_MAX = 25 * 1024;

const file = new URL("../dist/widget.js", import.meta.url);
const script = readFileSync(file);
const gzip = gzipSync(script, { level: 9 }).length;

const kib = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
console.log(`widget.js: ${kib(script.length)}, ${kib(gzip)} gzip (at most ${kib(GZIP_BYTES_MAX)})`);
if (gzip >= GZIP_BYTES_MAX) {
  console.error(`widget.js is ${gzip - GZIP_BYTES_MAX} bytes too heavy`);
  process.exitCode = 1;
}
