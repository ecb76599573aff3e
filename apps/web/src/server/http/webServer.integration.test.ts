import { once } from "node:events";
import { connect } from "node:net";
import { createTRPCClient, httpBatchStreamLink } from "@trpc/client";
import { accounts, advertiserMembers, userRoles, users } from "@trueclick/db/postgres/schema/auth";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { hashPassword } from "better-auth/crypto";
import superjson from "superjson";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AppRouter } from "../api/root.ts";
import { DAY, openRestFixture, type RestFixture } from "../rest/testing/restFixture.ts";
import { type OwnServer, partsOn, startOwnServer, WEB_URL } from "../testing/ownServer.ts";
import { askRaw, type RawRequest, readAll, toAnswer, toBytes } from "../testing/rawRequest.ts";

const KEY = { Authorization: "Bearer engineer-key" };
const PASSWORD = "correct horse battery";
const REPORT = `/api/v1/report?mode=billing&${DAY}`;
const PAGE = { status: 200, text: "a page" };
const JSON_BODY = { "Content-Type": "application/json" };
const acme = advertiserIdSchema.parse("acme");

let rest: RestFixture;
let web: OwnServer;
beforeAll(async () => {
  rest = await openRestFixture();
  web = await startOwnServer(partsOn(rest.stores));
  await addAda();
});
afterAll(async () => {
  // Of all that was asked here, nothing was our mistake.
  expect(web.faults).toEqual([]);
  await web.stop();
  await rest.stores.close();
});

async function addAda(): Promise<void> {
  const { db } = rest.stores;
  await db.insert(users).values({ id: "ada", name: "Ada", email: "ada@test.example" });
  await db.insert(userRoles).values({ userId: "ada", role: "advertiser" });
  await db.insert(advertiserMembers).values({ userId: "ada", advertiserId: acme });
  await db.insert(accounts).values({
    ...{ id: "ada", accountId: "ada", providerId: "credential", userId: "ada" },
    password: await hashPassword(PASSWORD),
  });
}

const ask = (target: string, more: Omit<RawRequest, "target"> = {}) =>
  askRaw(web.port, { target, ...more });
const errorOf = (code: string) =>
  expect.stringMatching(`^\\{"error":\\{"code":"${code}","message":`);

describe("an answer", () => {
  it("is the endpoint's, for one caller and one moment, and is no page", async () => {
    const answer = await ask(REPORT, { headers: KEY });
    expect(answer).toMatchObject({
      status: 200,
      text: expect.stringMatching(/^\{"rows":\[\{"clicks":6,/),
      headers: {
        "content-type": "application/json",
        "cache-control": "no-store",
        vary: "Authorization, Cookie, Accept-Encoding",
        "content-length": String(answer.bytes),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "strict-origin-when-cross-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cross-origin-opener-policy": "same-origin",
      },
    });
    expect(await ask("/api/v1/advertisers?limit=1", { headers: KEY })).toMatchObject({
      ...{ status: 200, text: expect.stringContaining('"next_cursor":"') },
    });
  });

  it("is compressed where that is asked for and saves something", async () => {
    const headers = { "Accept-Encoding": "gzip, deflate, br" };
    const [plain, gzip] = [
      await ask("/api/v1/openapi.json"),
      await ask("/api/v1/openapi.json", { headers }),
    ];
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(gzip.headers["content-encoding"]).toBe("gzip");
    expect(gzip.text).toBe(plain.text);
    expect(gzip.bytes).toBeLessThan(plain.bytes / 5);
    const small = await ask("/api/v1/none", { headers });
    expect(small.headers["content-encoding"]).toBeUndefined();
  });

  it("has no body where only its head is asked for", async () => {
    const answer = await ask(REPORT, { method: "HEAD", headers: KEY });
    expect(answer).toMatchObject({ status: 200, bytes: 0 });
    const { headers } = await ask(REPORT, { headers: KEY });
    expect(answer.headers["content-length"]).toBe(headers["content-length"]);
    expect(await ask(REPORT, { method: "HEAD" })).toMatchObject({ status: 401, bytes: 0 });
  });

  it("comes in the order of requests that did not wait for one another", async () => {
    const socket = connect(web.port, "127.0.0.1");
    const first = toBytes({ target: REPORT, headers: { ...KEY, Connection: "keep-alive" } }, 1);
    socket.write(first + toBytes({ target: "/api/v1/none" }, 1));
    const bytes = await readAll(socket);
    expect(bytes.toString().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404"]);
  });
});

describe("odd requests", () => {
  it.each<[string, number, string]>([
    ["/api/v1", 404, "not_found"],
    ["/api/v1/none", 404, "not_found"],
    ["/api/v1/Drift", 404, "not_found"],
    ["/api/v1/dr%69ft", 404, "not_found"],
    ["/api/v1/drift%2F", 404, "not_found"],
    ["/api/v1/events", 404, "not_found"],
    ["/api/v1/events/a/b", 404, "not_found"],
    ["/api/v1/%zz", 400, "bad_parameter"],
    ["/api/v1/events/%E0%A4%A", 400, "bad_parameter"],
    ["/api/trpc/%zz", 400, "bad_parameter"],
    ["/api/auth/%zz", 400, "bad_parameter"],
    ["/api/v1/events/a%00b", 400, "bad_parameter"],
    ["/api/v1/events/a%25b", 400, "bad_parameter"],
    ["/api/v1/jobs/x", 400, "bad_parameter"],
    ["/api/v1/jobs/1?id=2", 400, "bad_parameter"],
    [`${REPORT}&from=x`, 400, "bad_parameter"],
    [`${REPORT}&nope=1`, 400, "bad_parameter"],
    ["/api/v1/report?from=%zz", 400, "bad_parameter"],
    ["/api/v1/../v1/drift", 400, "bad_parameter"],
    ["/api/v1/jobs/999999", 404, "not_found"],
  ])("%s is answered %i %s", async (target, status, code) => {
    const answer = await ask(target, { headers: KEY });
    expect(answer).toMatchObject({ status, text: errorOf(code) });
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(answer.headers["x-frame-options"]).toBe("DENY");
  });

  it("with an escape in a path parameter mean what that stands for", async () => {
    const answer = await ask("/api/v1/events/event%2Dof%2Dacme", { headers: KEY });
    expect(answer).toMatchObject({ status: 200, text: expect.stringContaining("event-of-acme") });
  });

  it.each([
    "/api/v1/drift/",
    "/api/v1//drift",
    "//api/v1/drift",
    "/api/v1\\drift",
    "/api/none",
    "/api/trpc",
    "/api/trpc/none/more",
    "/api/auth",
    "/api/health/",
    "/sign-in",
    "http://other.example/api/v1/none",
  ])("%s is left to pages", async (target) => {
    expect(await ask(target)).toMatchObject(PAGE);
  });

  it.each(["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])(
    "by %s change nothing",
    async (method) => {
      for (const target of [REPORT, "/api/v1/openapi.json", "/api/health"]) {
        const answer = await ask(target, { method, headers: KEY });
        expect(answer).toMatchObject({ status: 405, text: errorOf("method_not_allowed") });
        expect(answer.headers["allow"]).toBe("GET, HEAD, OPTIONS");
      }
      expect(await ask("/api/v1/none", { method })).toMatchObject({ status: 404 });
    },
  );

  it("of no method that an address has are told which it has", async () => {
    for (const target of ["/api/auth/get-session", "/api/trpc/none"]) {
      const options = await ask(target, { method: "OPTIONS" });
      const refused = await ask(target, { method: "DELETE" });
      expect([options.status, refused.status]).toEqual([204, 405]);
      for (const { headers } of [options, refused]) {
        expect(headers["allow"]).toBe("GET, HEAD, POST, OPTIONS");
      }
    }
  });

  it("that ask for another protocol are answered in this one", async () => {
    const headers = { Connection: "Upgrade, close", Upgrade: "websocket" };
    expect(await ask("/api/v1/none", { headers })).toMatchObject({ status: 404 });
    expect(await ask("/sign-in", { headers })).toMatchObject(PAGE);
  });

  it("that are longer than anybody's are answered up to a bound", async () => {
    expect((await ask(`/api/v1/${"a".repeat(9_000)}`)).status).toBe(404);
    expect((await ask(`/api/v1/none?${"a".repeat(20_000)}`)).status).toBe(431);
    expect((await ask("/api/v1/none", { headers: { Expect: "tea" } })).status).toBe(417);
  });
});

describe("a body", () => {
  const target = "/api/trpc/audit.verify";

  it("is waited for, also by who asks whether to send it", async () => {
    const body = JSON.stringify({ json: { advertiserId: acme, day: "2026-10-28", version: 1 } });
    const headers = { ...JSON_BODY, Expect: "100-continue" };
    const socket = connect(web.port, "127.0.0.1");
    socket.write(toBytes({ target, method: "POST", headers, body }, web.port));
    const bytes = await readAll(socket);
    const head = "HTTP/1.1 100 Continue\r\n\r\n";
    expect(bytes.toString()).toMatch(new RegExp(`^${head}`));
    expect(toAnswer(bytes.subarray(head.length))).toMatchObject({ status: 401 });
  });

  it("that is too long is refused, whether it says so or not", async () => {
    const body = "a".repeat(1_048_577);
    const headers = { ...JSON_BODY };
    for (const path of [target, "/api/auth/sign-in/email"]) {
      const said = await fetch(`${web.url}${path}`, { method: "POST", headers, body });
      expect([said.status, await said.json()]).toMatchObject([
        413,
        { error: { code: "too_large" } },
      ]);
    }
    const pieces = new Blob([body]).stream();
    const unsaid = await fetch(`${web.url}${target}`, {
      ...{ method: "POST", headers, body: pieces, duplex: "half" },
    });
    expect(unsaid.status).toBe(413);
  });

  it("that breaks off troubles nobody", async () => {
    const before = web.answered.length;
    const socket = connect(web.port, "127.0.0.1");
    const headers = { ...JSON_BODY, "Content-Length": "1000", Expect: "100-continue" };
    socket.write(toBytes({ target, method: "POST", headers }, web.port));
    await once(socket, "data");
    socket.write("{");
    socket.destroy();
    await expect.poll(() => web.answered.slice(before)).toMatchObject([{ status: 400 }]);
    expect((await ask("/api/v1/openapi.json")).status).toBe(200);
  });
});

describe("whoever signs in", () => {
  const signIn = (password: string) =>
    ask("/api/auth/sign-in/email", {
      method: "POST",
      headers: { ...JSON_BODY, Origin: WEB_URL },
      body: JSON.stringify({ email: "ada@test.example", password }),
    });

  it("is known by a cookie from then on: to pages' procedures and to the REST API", async () => {
    const signedIn = await signIn(PASSWORD);
    const cookie = signedIn.headers["set-cookie"]?.split(";")[0] ?? "";
    expect([signedIn.status, cookie]).toEqual([200, expect.stringMatching(/^trueclick\.session/)]);
    const trpc = createTRPCClient<AppRouter>({
      links: [
        httpBatchStreamLink({
          ...{ url: `${web.url}/api/trpc`, transformer: superjson, headers: { cookie } },
        }),
      ],
    });
    const advertiserId = acme;
    const [campaigns, stranger, month] = await Promise.allSettled([
      trpc.campaigns.list.query({ advertiserId }),
      trpc.campaigns.list.query({ advertiserId: advertiserIdSchema.parse("other") }),
      trpc.billing.month.query({ advertiserId, month: "2026-10" }),
    ]);
    expect(campaigns).toMatchObject({
      value: expect.arrayContaining([expect.objectContaining({ id: "a1" })]),
    });
    expect(stranger).toMatchObject({ reason: { data: { code: "NOT_FOUND" } } });
    expect(month.status).toBe("fulfilled");
    // Three questions, one request.
    expect(web.answered.at(-1)?.path).toBe("/api/trpc/campaigns.list,campaigns.list,billing.month");
    const mine = await ask("/api/v1/advertisers", { headers: { Cookie: cookie } });
    expect(mine).toMatchObject({ status: 200, text: expect.not.stringContaining("other") });
  });

  it("is refused by a wrong password", async () => {
    expect((await signIn("wrong horse battery")).status).toBe(401);
  });
});
