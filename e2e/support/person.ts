/** A person at a browser, who has an account of the demo organisation. */
import { expect, type Page } from "@playwright/test";
import { DATA_DIR_VARIABLE, type DemoFile, readDemo } from "./stack.ts";

export function runningDemo(): DemoFile {
  const dataDir = process.env[DATA_DIR_VARIABLE];
  const demo = dataDir === undefined ? null : readDemo(dataDir);
  if (demo === null) throw new Error("no stack was started for the journeys");
  return demo;
}

export async function signIn(page: Page, demo: DemoFile, role: string): Promise<void> {
  const login = demo.logins.find((candidate) => candidate.role === role);
  if (login === undefined) throw new Error(`the demo has no ${role}`);
  await page.goto(`${demo.webUrl}/sign-in`);
  await page.getByLabel("Email").fill(login.email);
  await page.getByLabel("Password").fill(login.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
}
