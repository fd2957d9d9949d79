import { minify } from "terser";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * What Vite's own minifier has left is worth a third of a kilobyte. Reading a property counts as doing
 * nothing to it: whoever reads a signal only to be called again uses `subscribe`.
 */
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
  test: { environment: "happy-dom", include: ["test/**/*.test.{ts,tsx}"] },
});
