/** Finds a Chromium for the end-to-end tests, or installs one and says so. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const SYSTEM_CHROMIUM = "/usr/bin/chromium";

function attempt(command, args) {
  console.log(`> ${command} ${args.join(" ")}`);
  return spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] }).status === 0;
}

/**
 * Leaves the path of a browser in `CHROMIUM_PATH` when it is the system's; otherwise Playwright
 * uses the one that it installed for itself.
 */
export async function ensureBrowser() {
  if (process.env.CHROMIUM_PATH) return;
  if (!existsSync(SYSTEM_CHROMIUM)) {
    const { chromium } = await import("@playwright/test");
    if (existsSync(chromium.executablePath())) return;
    console.log("The end-to-end tests need a Chromium; installing one.");
    if (attempt("npx", ["playwright", "install", "chromium"])) return;
    const root = process.getuid?.() === 0;
    if (root && existsSync("/usr/bin/apt-get")) {
      attempt("apt-get", ["update", "-qq"]);
      attempt("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"]);
    }
  }
  if (existsSync(SYSTEM_CHROMIUM)) process.env.CHROMIUM_PATH = SYSTEM_CHROMIUM;
}
