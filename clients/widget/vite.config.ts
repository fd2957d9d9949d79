import { minify } from "terser";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds an engine: its files, its API and its WebSocket. */
const engine = process.env.VIGIE_ENGINE ?? "http://127.0.0.1:8080";

/** What Vite's own minifier has left is worth a third of a kilobyte. */
const squeeze: Plugin = {
  name: "squeeze",
  async generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.type === "chunk") {
        const compress = {
          passes: 3,
          pure_getters: true,
          unsafe_arrows: true,
          unsafe_methods: true,
        };
        file.code = (await minify(file.code, { ecma: 2020, compress })).code ?? file.code;
      }
    }
  },
};

export default defineConfig({
  plugins: [squeeze],
  oxc: {
    jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" },
    jsxInject: 'import { h, Fragment } from "preact"',
  },
  build: {
    // One classic script: it runs from a plain <script async> tag and leaves no globals but Vigie.
    lib: {
      entry: "src/main.ts",
      formats: ["iife"],
      name: "VigieWidget",
      fileName: () => "widget.js",
    },
    target: "es2022",
    cssTarget: ["chrome120", "safari17.2", "firefox121"],
    modulePreload: false,
  },
  server: { proxy: { "/v1": engine, "/ws": { target: engine, ws: true } } },
  test: { environment: "happy-dom", include: ["test/**/*.test.{ts,tsx}"] },
});
