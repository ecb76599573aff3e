import { expect, test } from "@playwright/test";
import { runningDemo, signIn } from "../support/person.ts";

// Whoever reaches for a button while figures still come would press another one.
test("nothing moves on the overview when its figures come", async ({ page }) => {
  const demo = runningDemo();
  await signIn(page, demo, "advertiser");
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await page.route("**/api/trpc/**", async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(`${demo.webUrl}/?range=7d`);
  const clicks = page.getByRole("article", { name: "Clicks", exact: true });
  const chart = page.locator("section", { has: page.getByText("Clicks over time") });
  const boxes = async () => [await clicks.boundingBox(), await chart.boundingBox()];
  await expect(chart).toBeVisible();
  const before = await boxes();
  release();
  await expect(clicks).toContainText(/^Clicks\d/);
  await expect(chart).toContainText("fresh");
  await page.waitForLoadState("networkidle");
  expect(await boxes()).toEqual(before);
});
