/** Builds the desk to be served at `/desk`, and lays the flags beside it. */

import { copyFileSync, createReadStream, existsSync, mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import preact from "@preact/preset-vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/desk/",
  plugins: [preact({ devToolsEnabled: false }), flags()],
  build: {
    target: ["chrome123", "firefox128", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
  },
  server: { proxy: { "/v1": proxied(), "/ws": { target: proxied(), ws: true } } },
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    // Machines are busy: what is waited for has a patience of its own.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

/** Where a development server finds the engine. */
function proxied(): string {
  return process.env.VIGIE_URL ?? "http://127.0.0.1:8080";
}

/** Flags are pictures of their own, asked for one by one: nobody loads 250 of them at once. */
function flags(): Plugin {
  const source = join(
    dirname(createRequire(import.meta.url).resolve("country-flag-icons/package.json")),
    "3x2",
  );
  return {
    name: "vigie-flags",
    configureServer(server) {
      server.middlewares.use("/desk/flags", (request, response, next) => {
        const code = /^\/([a-z]{2})\.svg/.exec(request.url ?? "")?.[1]?.toUpperCase();
        const file = join(source, `${code}.svg`);
        if (code === undefined || !existsSync(file)) return next();
        response.setHeader("Content-Type", "image/svg+xml");
        createReadStream(file).pipe(response);
      });
    },
    writeBundle(options) {
      const target = join(options.dir ?? "dist", "flags");
      mkdirSync(target, { recursive: true });
      for (const file of readdirSync(source)) {
        if (/^[A-Z]{2}\.svg$/.test(file)) {
          copyFileSync(join(source, file), join(target, file.toLowerCase()));
        }
      }
    },
  };
}
