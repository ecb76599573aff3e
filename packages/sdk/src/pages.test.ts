import { beforeEach, describe, expect, it } from "vitest";
import { CLICK, Clients } from "./testing/clients.ts";
import { acceptAll, FakeBrowser, idsOf, openTab } from "./testing/fakePlatform.ts";

const SECOND_MS = 1_000;

let browser: FakeBrowser;
let clients: Clients;
beforeEach(() => {
  browser = new FakeBrowser();
  clients = new Clients(browser);
});

const open: Clients["open"] = (change, tab) => clients.open(change, tab);
const stored = () => Object.keys(browser.storage).length;
const networkDown = () => {
  throw new TypeError("Failed to fetch");
};

describe("bounds", () => {
  it("holds so many events and bytes, and tells of each that found no room", async () => {
    browser.answer = networkDown;
    const { client } = open({ queueEventsMax: 3 });
    for (let n = 0; n < 5; n += 1) client.click(CLICK);
    expect(clients.undelivered.map(({ code }) => code)).toEqual(["queue_full", "queue_full"]);
    expect(stored()).toBe(3);
    const other = open({ queueBytesMax: 2_000 }, openTab(browser, { storage: null }));
    for (let n = 0; n < 5; n += 1) other.client.click({ ...CLICK, note: "x".repeat(700) });
    expect(clients.undelivered).toHaveLength(5);
  });

  it("lets impressions make room for clicks", async () => {
    browser.answer = networkDown;
    const { client } = open({ queueEventsMax: 3 });
    const impressions = [client.impression(), client.impression()];
    const clicks = [client.click(CLICK), client.click(CLICK), client.click(CLICK)];
    client.impression();
    client.click(CLICK);
    expect(clients.undelivered.map(({ event, code }) => [event["event_type"], code])).toEqual([
      ["impression", "queue_full"],
      ["impression", "queue_full"],
      ["impression", "queue_full"],
      ["click", "queue_full"],
    ]);
    expect(clients.undelivered.slice(0, 2).map(({ event }) => event["event_id"])).toEqual(
      impressions,
    );
    browser.answer = acceptAll;
    await browser.pass(60 * SECOND_MS);
    expect(browser.sentIds().slice(-3)).toEqual(clicks);
  });

  it("goes on in memory where the browser's storage is full", async () => {
    browser.storage.fill();
    const { client } = open();
    const id = client.click(CLICK);
    await browser.pass(SECOND_MS);
    expect(browser.sentIds()).toEqual([id]);
  });

  it("takes nothing once closed, after it has sent what waited", async () => {
    const { client } = open();
    const id = client.click(CLICK);
    expect(await client.close()).toBe(true);
    client.click(CLICK);
    await browser.pass(60 * SECOND_MS);
    expect(browser.sentIds()).toEqual([id]);
    expect(clients.undelivered.map(({ code }) => code)).toEqual(["closed"]);
    browser.answer = networkDown;
    const next = open();
    next.client.click(CLICK);
    expect(await next.client.close()).toBe(false);
    await browser.pass(60 * SECOND_MS);
    expect(browser.sent).toHaveLength(2);
  });
});

describe("pages that come and go", () => {
  it("hands what waits to the browser when it is left, and keeps it until it hears", async () => {
    const { client, tab } = open();
    const ids = Array.from({ length: 100 }, () => client.impression({ note: "x".repeat(1_000) }));
    // The first is under way.
    await browser.pass(0);
    browser.sent.splice(0);
    const left = Array.from({ length: 100 }, () => client.impression({ note: "x".repeat(1_000) }));
    tab.close();
    expect(browser.beacons.flatMap(({ body }) => idsOf(body))).toEqual(left);
    for (const { body } of browser.beacons) expect(body.length).toBeLessThan(64 * 1_024);
    expect(ids).toHaveLength(100);
    expect(stored()).toBe(100);
  });

  it("sends by itself what the browser will not take", () => {
    browser.beaconBytesMax = 10;
    const { client, tab } = open();
    const id = client.click(CLICK);
    tab.close();
    expect([browser.beacons.length, browser.sentIds()]).toEqual([0, [id]]);
  });

  it("sends what waits when the page is hidden, and hears the answer", async () => {
    const { client, tab } = open();
    client.click(CLICK);
    tab.hide();
    await browser.pass(0);
    expect([browser.sent.length, browser.beacons.length, stored()]).toEqual([1, 0, 0]);
  });

  it.each([true, false])(
    "goes on on the next page where the last one ended (%s)",
    async (locks) => {
      browser.knowsLocks = locks;
      browser.answer = networkDown;
      const first = open();
      const ids = [first.client.click(CLICK), first.client.click(CLICK)];
      await browser.pass(SECOND_MS);
      first.tab.close();
      browser.answer = acceptAll;
      browser.sent.splice(0);
      // Without locks only age tells what is left from what a living tab is about to send.
      if (!locks) await browser.pass(5 * 60_000 + 1);
      open();
      await browser.pass(2 * SECOND_MS);
      expect(browser.sentIds()).toEqual(ids);
      expect(stored()).toBe(0);
    },
  );

  it("leaves alone what a living tab holds, and takes it over once that is gone", async () => {
    browser.answer = networkDown;
    const first = open();
    const second = open();
    const ids = [first.client.click(CLICK), first.client.click(CLICK)];
    const own = second.client.click(CLICK);
    await browser.pass(1);
    browser.answer = acceptAll;
    await second.client.flush();
    expect(browser.sentIds()).toEqual([own]);
    browser.beaconBytesMax = 0;
    browser.answer = networkDown;
    first.tab.close();
    browser.sent.splice(0);
    browser.answer = acceptAll;
    await browser.pass(35 * SECOND_MS);
    expect(browser.sentIds()).toEqual(ids);
    expect(stored()).toBe(0);
  });

  // What the application clears, a log-out for one, was not answered for.
  it("sends what the application has cleared from the storage", async () => {
    const { client } = open();
    const id = client.click(CLICK);
    for (const name of Object.keys(browser.storage)) browser.storage.removeItem(name);
    await browser.pass(SECOND_MS);
    expect(browser.sentIds()).toEqual([id]);
  });
});
