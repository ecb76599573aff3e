import { expect, test } from "@playwright/test";
import { sendEvent } from "../support/api.ts";
import { runningDemo, signIn } from "../support/person.ts";
import { runCli } from "../support/stack.ts";

const CAMPAIGN = "cmp-acme-autumn";

test("a stranger sees nothing but the door", async ({ page }) => {
  const demo = runningDemo();
  await page.goto(`${demo.webUrl}/billing`);
  await expect(page).toHaveURL(/sign-in/);
  await page.getByLabel("Email").fill("marketing@acme.example");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "do not go together" })).toBeVisible();
});

test("an advertiser watches a click appear, then finds it on the bill", async ({ page }) => {
  const demo = runningDemo();
  await signIn(page, demo, "advertiser");
  await page.goto(`${demo.webUrl}/?range=today&campaign=${CAMPAIGN}`);
  const clicks = page.getByRole("article", { name: "Clicks", exact: true });
  await expect(clicks).toBeVisible();

  const eventId = `journey-${Date.now()}`;
  const sent = await sendEvent(demo, {
    event_type: "click",
    event_id: eventId,
    event_time: new Date().toISOString(),
    campaign_id: CAMPAIGN,
    ad_id: "ad-acme-autumn-1",
    publisher_id: "pub-herald",
  });
  expect([sent.status, await sent.json()]).toEqual([202, { accepted: 1, rejected: [] }]);
  // By itself, without a reload.
  await expect(clicks).toContainText(/^Clicks1(?!\d)/, { timeout: 10_000 });

  const run = await runCli("batch", "run", "--json");
  expect(run).toMatchObject({ code: 0 });
  await page.getByRole("link", { name: "Billing" }).first().click();
  await expect(page.getByRole("heading", { name: "Billing" })).toBeVisible();
  await expect(page.getByRole("article", { name: "Valid clicks" })).toContainText(
    /^Valid clicks1(?!\d)/,
  );
  await expect(page.getByText("Settling").filter({ visible: true }).first()).toBeVisible();

  const traced = await runCli("trace", eventId, "--json");
  expect(traced.stdout).toContain("valid");
});

test("an advertiser does not find the engineers' rooms", async ({ page }) => {
  const demo = runningDemo();
  await signIn(page, demo, "advertiser");
  for (const room of ["Drift", "Audit", "Pipeline"]) {
    await expect(page.getByRole("link", { name: room })).toHaveCount(0);
  }
});

test("an engineer walks from the difference to the files it was counted from", async ({ page }) => {
  // A whole day is counted again in it, beside the demo's past.
  test.slow();
  const demo = runningDemo();
  await signIn(page, demo, "engineer");
  for (const room of ["Drift", "Pipeline", "Audit"]) {
    await page.getByRole("link", { name: room }).first().click();
    await expect(page.getByRole("heading", { name: room, level: 1 })).toBeVisible();
  }
  await page
    .getByRole("link", { name: /^#\d+$/ })
    .first()
    .click();
  // The list for small screens holds the same names, unseen here.
  const objects = page.getByText(/raw\/event_hour=/).filter({ visible: true });
  await expect(objects.first()).toBeVisible();

  await page.getByRole("button", { name: "Verify now" }).click();
  await expect(page.getByText("Verified", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText(/What was judged has the same fingerprint/)).toBeVisible();
});

for (const width of [1440, 390]) {
  test(`no page is wider than a screen of ${width} px`, async ({ page }) => {
    const demo = runningDemo();
    await page.setViewportSize({ width, height: 900 });
    await signIn(page, demo, "engineer");
    for (const path of ["/", "/campaigns", "/billing", "/drift", "/audit", "/pipeline"]) {
      await page.goto(`${demo.webUrl}${path}`);
      await page.waitForLoadState("networkidle");
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect({ path, overflow }).toEqual({ path, overflow: 0 });
    }
  });
}
