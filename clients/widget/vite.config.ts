import { Features } from "lightningcss";
import { type MinifyOptions, minify } from "terser";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * What Vite's own minifier has left is worth half a kilobyte. Reading a property counts as
 * doing nothing: whoever reads a signal only to be called again uses `subscribe`.
 */
const squeeze: Plugin = {
  name: "squeeze",
  async generateBundle(_, files) {
    const options: MinifyOptions = {
      ecma: 2020,
      // Statements compress better than one long expression.
      compress: { passes: 3, unsafe_arrows: true, unsafe_methods: true, sequences: false },
    };
    for (const file of Object.values(files)) {
      if (file.type === "chunk") {
        file.code = (await minify(file.code, options)).code ?? file.code;
      }
    }
  },
};

export default defineConfig({
  plugins: [squeeze],
  // `color-scheme: dark` is enough: nothing here says light-dark().
  css: { lightningcss: { exclude: Features.LightDark } },
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
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.{ts,tsx}"],
    // Machines are busy: what is waited for has a patience of its own.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
