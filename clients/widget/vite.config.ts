import { type MinifyOptions, minify } from "terser";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * Properties that neither the wire, nor storage, nor the DOM, nor the page knows: they may be called
 * anything. A name that is wrongly here shows in the first test with a browser.
 */
const INTERNAL = [
  ...["conversation", "botFailed", "botAnswers", "outlived", "speaker", "leftBehind", "sayDraft"],
  ...["onSaid", "lasting", "reading", "unsent", "dropSent", "texts", "chat", "reach", "shared"],
  ...["keptUntilOnline", "endConversation", "newConversation", "talkToHuman", "reconnecting"],
  ...["assistant", "closeChat", "openChat", "liveAgent", "humanAsked", "sendRating", "noStorage"],
  ...["sending", "stars", "startAnew", "tryAgain", "outcome", "followers", "waiters", "asksToken"],
  ...["notBefore", "askAgain", "asking", "refreshAt", "connectId", "policy", "lane", "codec"],
  ...["expiry", "requestHuman", "retryNow", "caughtUp", "viewPage", "subprotocol", "failures"],
  ...["renewals", "inDoubt", "pinged", "wakeAt", "dueAt", "judge"],
];

/**
 * What Vite's own minifier has left is worth more than half a kilobyte. Reading a property counts as
 * doing nothing: whoever reads a signal only to be called again uses `subscribe`.
 */
const squeeze: Plugin = {
  name: "squeeze",
  async generateBundle(_, files) {
    const options: MinifyOptions = {
      ecma: 2020,
      compress: { passes: 3, unsafe_arrows: true, unsafe_methods: true },
      mangle: {
        properties: { regex: new RegExp(`^(?:${INTERNAL.join("|")})$`), keep_quoted: true },
      },
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
