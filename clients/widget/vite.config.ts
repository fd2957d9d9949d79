import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds an engine: its files, its API and its WebSocket. */
const engine = process.env.VIGIE_ENGINE ?? "http://127.0.0.1:8080";

export default defineConfig({
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
