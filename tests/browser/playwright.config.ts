import { defineConfig } from "@playwright/test";

/** Both ends of every story run on this machine: more at once only makes each slower. */
const WORKERS_MAX = 2;

const root = process.getuid?.() === 0;

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  outputDir: "results",
  // Pictures are taken by `make screenshots`, not by every run.
  grepInvert: process.env.VIGIE_SCREENSHOTS ? /^$/ : /@screenshots/,
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  workers: WORKERS_MAX,
  // Of a whole story; each expectation in it has its own.
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    locale: "en-GB",
    timezoneId: "Europe/Paris",
    colorScheme: "light",
    viewport: { width: 1280, height: 800 },
    actionTimeout: 10_000,
    screenshot: "only-on-failure",
    // What moves is looked at when it has arrived.
    contextOptions: { reducedMotion: "reduce" },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: root ? ["--no-sandbox"] : [],
    },
  },
});
