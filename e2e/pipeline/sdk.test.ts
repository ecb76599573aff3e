/** The SDK in a real Chromium against the real edge, whatever happens to network, edge and page. */
import { setTimeout as wait } from "node:timers/promises";
import type { Browser, BrowserContext, Page } from "@playwright/test";
import { createTrueclick } from "@trueclick/sdk";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type EdgeForPages, startEdgeForPages } from "../support/edgeForPages.ts";
import { clickTimes, cut, launchBrowser, startSite, waiting } from "../support/site.ts";

const WAIT = { timeout: 60_000, interval: 200 };

let site: Awaited<ReturnType<typeof startSite>>;
let edge: EdgeForPages;
let browser: Browser;
let context: BrowserContext;
/** Every id that the SDK gave away in a test. */
const given: string[] = [];

beforeAll(async () => {
  site = await startSite();
  [edge, browser] = await Promise.all([startEdgeForPages(site.origin), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await edge?.stop();
  await site?.stop();
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

async function openPage(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.page(edge));
  return page;
}

async function click(page: Page, clicks: number): Promise<string[]> {
  const ids = await clickTimes(page, clicks);
  given.push(...ids);
  return ids;
}

async function missing(ids: readonly string[]): Promise<string[]> {
  const stored = new Set((await edge.storedEvents()).map(({ event_id }) => event_id));
  return ids.filter((id) => !stored.has(id));
}

/** All arrive, and then nothing waits any more in the browser. */
async function expectAllArrive(page: Page, ids: readonly string[]): Promise<void> {
  await expect.poll(() => missing(ids), WAIT).toEqual([]);
  await expect.poll(() => waiting(page), WAIT).toBe(0);
}

it("sends what was clicked, and keeps nothing once the edge has it", async () => {
  const page = await openPage();
  await expectAllArrive(page, await click(page, 120));
});

it("keeps what is clicked while the edge is away, over a reload, until it is back", async () => {
  const page = await openPage();
  await edge.kill();
  const ids = await click(page, 30);
  await page.waitForTimeout(500);
  await page.reload();
  ids.push(...(await click(page, 30)));
  expect(await waiting(page)).toBe(60);
  expect(await missing(ids)).toHaveLength(60);
  await edge.restart();
  await expectAllArrive(page, ids);
});

it("sends as soon as the browser is online again", async () => {
  const page = await openPage();
  await context.setOffline(true);
  const ids = await click(page, 10);
  await page.waitForTimeout(1_500);
  expect(await waiting(page)).toBe(10);
  await context.setOffline(false);
  await expectAllArrive(page, ids);
});

it("sends again, under the same ids, what the edge took and the page never heard of", async () => {
  const page = await openPage();
  const all = `${edge.url}/**`;
  let lost = 0;
  await context.route(all, async (route) => {
    await route.fetch();
    lost += 1;
    await route.abort("connectionreset");
  });
  const ids = await click(page, 10);
  await expect.poll(() => lost, WAIT).toBeGreaterThan(1);
  await context.unroute(all);
  await expectAllArrive(page, ids);
  const copies = (await edge.storedEvents()).filter(({ event_id }) => ids.includes(event_id));
  expect(copies.length).toBeGreaterThan(10);
  // A copy is told by its id and by its time; both are those of the click.
  for (const id of ids) {
    const times = copies.filter(({ event_id }) => event_id === id).map((copy) => copy.event_time);
    expect(new Set(times).size).toBe(1);
  }
});

it("outlives an edge that is killed under its load", async () => {
  const page = await openPage();
  const ids: string[] = [];
  for (let round = 0; round < 30; round += 1) {
    ids.push(...(await click(page, 10)));
    if (round === 8) await edge.kill();
    if (round === 20) await edge.restart();
    await page.waitForTimeout(50);
  }
  await expectAllArrive(page, ids);
});

it("hands over to the browser what waits when a page is left, and no page comes after", async () => {
  const page = await openPage();
  const ids = await click(page, 40);
  await page.goto("about:blank");
  await expect.poll(() => missing(ids), WAIT).toEqual([]);
});

it("sends from the next page what a page had that was closed in the middle of it", async () => {
  const page = await openPage();
  const { promise, resolve } = Promise.withResolvers<void>();
  const all = `${edge.url}/**`;
  await context.route(all, async (route) => {
    resolve();
    await route.abort("failed");
  });
  const ids = await click(page, 60);
  await promise;
  await page.close();
  await context.unroute(all);
  await expectAllArrive(await openPage(), ids);
});

it("keeps two tabs apart: neither sends what the other holds, and nothing is lost", async () => {
  const [first, second] = [await openPage(), await openPage()];
  const mend = await cut(context, edge);
  const ofFirst = await click(first, 20);
  const ofSecond = await click(second, 20);
  await first.waitForTimeout(500);
  expect(await waiting(first)).toBe(40);
  const sent: string[] = [];
  second.on("request", (request) => sent.push(request.postData() ?? ""));
  await mend();
  await expectAllArrive(first, [...ofFirst, ...ofSecond]);
  expect(ofSecond.every((id) => sent.some((body) => body.includes(id)))).toBe(true);
  expect(ofFirst.some((id) => sent.some((body) => body.includes(id)))).toBe(false);
});

it("lets a tab that stays send what one that is closed could not", async () => {
  const [first, second] = [await openPage(), await openPage()];
  const mend = await cut(context, edge);
  const ids = await click(first, 20);
  await first.waitForTimeout(500);
  await first.close();
  await mend();
  await expectAllArrive(second, ids);
});

it("sends from Node as well, over an edge that is killed", async () => {
  const { url, serverKey } = edge;
  const client = createTrueclick({ endpoint: url, key: serverKey, flushIntervalMs: 50 });
  const ids: string[] = [];
  for (let round = 0; round < 10; round += 1) {
    ids.push(client.click({ campaign_id: "cmp_1", ad_id: "ad_1", publisher_id: "pub_1" }));
    if (round === 3) await edge.kill();
    if (round === 7) await edge.restart();
    await wait(60);
  }
  given.push(...ids);
  await expect.poll(() => client.flush(), WAIT).toBe(true);
  expect(await client.close()).toBe(true);
  expect(await missing(ids)).toEqual([]);
});

it("made up no further ids, and had nothing refused", async () => {
  const stored = new Set((await edge.storedEvents()).map(({ event_id }) => event_id));
  expect([...stored].sort()).toEqual([...given].sort());
  expect(new Set(given).size).toBe(given.length);
});
