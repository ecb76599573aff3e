import { defineConfig } from "@playwright/test";

const systemBrowser = process.env["CHROMIUM_PATH"];

export default defineConfig({
  testDir: "./journeys",
  globalSetup: "./support/globalSetup.ts",
  fullyParallel: false,
  workers: 1,
  forbidOnly: true,
  // Told at the end of the run, never silently.
  retries: 1,
  timeout: 60_000,
  reporter: [["list"], ["json"]],
  outputDir: "../test-results",
  use: {
    browserName: "chromium",
    screenshot: "only-on-failure",
    launchOptions: {
      // Root needs --no-sandbox; the rest keeps the browser from calling home.
      args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
      ...(systemBrowser === undefined ? {} : { executablePath: systemBrowser }),
    },
  },
});
