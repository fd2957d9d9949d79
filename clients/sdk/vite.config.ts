import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const entry = (name: string) => fileURLToPath(new URL(`src/${name}.ts`, import.meta.url));

export default defineConfig({
  build: {
    target: "es2022",
    sourcemap: true,
    lib: {
      entry: { index: entry("index"), core: entry("core"), node: entry("node") },
      formats: ["es"],
    },
    rollupOptions: { external: ["@msgpack/msgpack", /^node:/] },
  },
  test: {
    include: ["test/**/*.test.ts"],
    // Engines are started, killed and started again; other work may be going on beside.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
