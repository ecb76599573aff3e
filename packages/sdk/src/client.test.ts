import { beforeEach, describe, expect, it } from "vitest";
import { CLICK, Clients } from "./testing/clients.ts";
import { acceptAll, FakeBrowser, idsOf, openTab, reply } from "./testing/fakePlatform.ts";

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

describe("taking events", () => {
  it("sends what was taken, under an id and a time of that moment", async () => {
    const { client } = open();
    const takenAtMs = browser.nowMs;
    const id = client.click({ ...CLICK, hue: "red" });
    await browser.pass(SECOND_MS);
    expect(browser.sent).toHaveLength(1);
    expect(browser.sent[0]).toMatchObject({
      url: "https://edge.example/v1/events?key=key%20of%20a%20page",
      headers: { "content-type": "text/plain" },
    });
    expect(JSON.parse(browser.sent[0]?.body ?? "")).toEqual([
      {
        ...CLICK,
        hue: "red",
        schema_version: 1,
        event_type: "click",
        event_id: id,
        event_time: takenAtMs,
      },
    ]);
    expect(stored()).toBe(0);
  });

  it("keeps an id and a time that it is given, and names the other types", async () => {
    const { client } = open();
    expect(client.impression({ event_id: "imp-00000001", event_time: 5 })).toBe("imp-00000001");
    client.conversion({ click_id: "clk_1", conversion_value_micros: 12 });
    await browser.pass(SECOND_MS);
    expect(JSON.parse(browser.sent[0]?.body ?? "")).toMatchObject([
      { event_type: "impression", event_id: "imp-00000001", event_time: 5 },
      { event_type: "conversion", click_id: "clk_1", conversion_value_micros: 12 },
    ]);
  });

  it("sends a server's key in a header, never in the URL", async () => {
    const { client } = open({}, openTab(browser, { isPage: false, storage: null }));
    client.click(CLICK);
    await browser.pass(SECOND_MS);
    expect(browser.sent[0]?.url).toBe("https://edge.example/v1/events");
    expect(browser.sent[0]?.headers["authorization"]).toBe("Bearer key of a page");
  });

  it("gives up what cannot be sent, says so, and throws nothing at the page", () => {
    const { client } = open();
    client.impression({ large: "é".repeat(4_096) });
    client.impression({ amount: 1n });
    expect(clients.undelivered.map(({ code }) => code)).toEqual(["too_large", "not_serializable"]);
    expect(stored()).toBe(0);
  });
});

describe("batches", () => {
  it("waits for company, no longer than it should, and not for more than a batch", async () => {
    const { client } = open({ batchEventsMax: 3, flushIntervalMs: 500 });
    for (let n = 0; n < 2; n += 1) client.click(CLICK);
    await browser.pass(499);
    expect(browser.sent).toHaveLength(0);
    await browser.pass(1);
    expect(browser.sent.map(({ body }) => idsOf(body).length)).toEqual([2]);
    for (let n = 0; n < 7; n += 1) client.click(CLICK);
    await browser.pass(0);
    expect(browser.sent.map(({ body }) => idsOf(body).length)).toEqual([2, 3, 3, 1]);
  });

  it("keeps a request below its bytes, however many bytes a character has", async () => {
    const { client } = open({ batchBytesMax: 10_000 });
    for (let n = 0; n < 8; n += 1) client.impression({ note: "é".repeat(2_000) });
    await browser.pass(SECOND_MS);
    for (const { body } of browser.sent) expect(Buffer.byteLength(body)).toBeLessThan(10_002);
    expect(browser.sentIds()).toHaveLength(8);
    expect(browser.sent).toHaveLength(4);
  });

  it("sends one request at a time", async () => {
    let resolve = () => {};
    const promise = new Promise<void>((resolveIt) => {
      resolve = resolveIt;
    });
    browser.answer = (sent) => promise.then(() => acceptAll(sent));
    const { client } = open({ batchEventsMax: 1 });
    client.click(CLICK);
    await browser.pass(SECOND_MS);
    client.click(CLICK);
    await browser.pass(5 * SECOND_MS);
    expect(browser.sent).toHaveLength(1);
    resolve();
    await browser.pass(SECOND_MS);
    expect(new Set(browser.sentIds()).size).toBe(2);
    expect(browser.sentIds()).toHaveLength(2);
  });
});

describe("failures", () => {
  it("sends again under the same ids, at growing distances with full jitter", async () => {
    browser.answer = networkDown;
    const { client } = open();
    const id = client.click(CLICK);
    const times: number[] = [];
    const fromMs = browser.nowMs;
    for (let step = 0; step < 4_000; step += 1) {
      const before = browser.sent.length;
      await browser.pass(100);
      if (browser.sent.length > before) times.push(browser.nowMs - fromMs);
    }
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // Half of 1, 2, 4 … 60 s, as the random number says; the batch itself waits a second.
    expect(gaps.slice(0, 8)).toEqual([1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(new Set(browser.sentIds())).toEqual(new Set([id]));
    browser.answer = acceptAll;
    await browser.pass(60_000);
    expect(stored()).toBe(0);
  });

  it.each([
    ["7", 7_000],
    ["Mon, 01 Jun 2026 12:00:31 GMT", 30_000],
    ["soon", 0],
    ["-5", 0],
  ])("stays quiet as long as the edge asks for it: Retry-After %s", async (header, waitMs) => {
    browser.randomValue = 0;
    const { client, tab } = open();
    let busy = true;
    browser.answer = (sent) => (busy ? reply(503, {}, header) : acceptAll(sent));
    client.click(CLICK);
    await browser.pass(SECOND_MS);
    busy = false;
    if (waitMs > 0) {
      tab.goOnline();
      tab.hide();
      expect(await client.flush()).toBe(false);
      await browser.pass(waitMs - 1);
      expect(browser.sent).toHaveLength(1);
    }
    await browser.pass(2 * SECOND_MS);
    expect(browser.sent).toHaveLength(2);
    expect(stored()).toBe(0);
  });

  it("tells of events that the edge rejects, and sends them no more", async () => {
    browser.answer = () =>
      reply(202, {
        accepted: 2,
        rejected: [{ index: 1, code: "missing_field", message: "A click needs ad_id." }],
      });
    const { client } = open();
    const ids = [client.click(CLICK), client.impression({ hue: 1 }), client.click(CLICK)];
    await browser.pass(60 * SECOND_MS);
    expect(clients.undelivered).toMatchObject([
      {
        event: { event_id: ids[1], hue: 1 },
        code: "missing_field",
        message: "A click needs ad_id.",
      },
    ]);
    expect(browser.sent).toHaveLength(1);
    expect(stored()).toBe(0);
  });

  it("goes on although the application's own callback throws", async () => {
    browser.answer = () => reply(422, { accepted: 0, rejected: [{ index: 0, code: "too_old" }] });
    const { client } = open({
      onUndelivered: () => {
        throw new Error("theirs");
      },
    });
    client.click(CLICK);
    await browser.pass(SECOND_MS);
    browser.answer = acceptAll;
    const id = client.click(CLICK);
    await browser.pass(SECOND_MS);
    expect(browser.sentIds().at(-1)).toBe(id);
    expect(stored()).toBe(0);
  });

  it("splits what is too large, down to the one event to blame", async () => {
    const { client } = open({ batchEventsMax: 8 });
    browser.answer = (sent) => {
      const ids = idsOf(sent.body);
      const isTooMuch = ids.length > 4 || ids.includes("evt-too-large");
      return isTooMuch ? reply(413, { error: { code: "body_too_large" } }) : acceptAll(sent);
    };
    for (let n = 0; n < 16; n += 1) {
      client.click(n === 5 ? { ...CLICK, event_id: "evt-too-large" } : CLICK);
    }
    await browser.pass(60 * SECOND_MS);
    expect(clients.undelivered).toMatchObject([
      { event: { event_id: "evt-too-large" }, code: "body_too_large" },
    ]);
    expect(new Set(browser.sentIds()).size).toBe(16);
    expect(stored()).toBe(0);
    expect(browser.sent.length).toBeLessThan(20);
  });

  it.each([401, 403])("stops at %i, keeps what waits, and says so once", async (status) => {
    browser.answer = () => reply(status, { error: { code: "unauthorized", message: "no" } });
    const { client, tab } = open();
    client.click(CLICK);
    await browser.pass(60 * SECOND_MS);
    client.click(CLICK);
    tab.goOnline();
    await browser.pass(60 * SECOND_MS);
    tab.close();
    expect([browser.sent.length, browser.beacons.length, stored()]).toEqual([1, 0, 2]);
    expect(clients.stops).toEqual([status]);
    expect(clients.undelivered).toEqual([]);
  });

  // A hotel's sign-in page answers 200 to whatever is asked.
  it.each([
    ["a page", { status: 200, retryAfter: null, body: "<html>Welcome</html>" }],
    ["nothing", { status: 204, retryAfter: null, body: "" }],
    ["null", reply(200, null)],
    ["other words", reply(202, { ok: true })],
    ["fewer events", reply(202, { accepted: 1, rejected: [] })],
    ["a list of nothing", reply(202, { accepted: 0, rejected: [null, null] })],
  ])("believes only the edge's own answer, not %s", async (_what, answer) => {
    browser.answer = () => answer;
    const { client } = open();
    client.click(CLICK);
    client.click(CLICK);
    await browser.pass(60 * SECOND_MS);
    expect(stored()).toBe(2);
    browser.answer = acceptAll;
    await browser.pass(120 * SECOND_MS);
    expect([stored(), clients.undelivered]).toEqual([0, []]);
  });
});
