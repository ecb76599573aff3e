import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { accounts, userRoles, users } from "@trueclick/db/postgres/schema/auth";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { hashPassword } from "better-auth/crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WEB_URL } from "./server/testing/ownServer.ts";
import { askRaw, readAll, toAnswer, toBytes } from "./server/testing/rawRequest.ts";
import { buildPages, COMPILED, settingsOn, WebProcess } from "./server/testing/webProcess.ts";

/** A build of pages takes a minute of a quiet machine, where the tests find none. */
const BUILD_WITHIN_MS = 600_000;
const PASSWORD = "correct horse battery";

let stores: TestStores;
const started: WebProcess[] = [];
let web: WebProcess;
let url: string;
beforeAll(async () => {
  buildPages();
  await rm(COMPILED, { recursive: true, force: true });
  stores = await openTestStores();
  await stores.db.insert(users).values({ id: "ada", name: "Ada", email: "ada@test.example" });
  await stores.db.insert(userRoles).values({ userId: "ada", role: "engineer" });
  await stores.db.insert(accounts).values({
    ...{ id: "ada", accountId: "ada", providerId: "credential", userId: "ada" },
    password: await hashPassword(PASSWORD),
  });
  web = start(settingsOn(stores.urls));
  url = await web.url();
}, BUILD_WITHIN_MS);
afterAll(async () => {
  for (const one of started) one.signal("SIGKILL");
  await Promise.all(started.map(({ ended }) => ended));
  await stores.close();
});

function start(settings: Readonly<Record<string, string>>): WebProcess {
  const process = new WebProcess(settings);
  started.push(process);
  return process;
}

const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(url + path, { headers, redirect: "manual" });

const signIn = (headers: Readonly<Record<string, string>>) =>
  fetch(`${url}/api/auth/sign-in/email`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: WEB_URL, ...headers },
    body: JSON.stringify({ email: "ada@test.example", password: PASSWORD }),
  });

describe("the web app", () => {
  it("says that it is ready", async () => {
    const ready = { ok: true, warm: true, postgres: "ok", clickhouse: "ok" };
    await expect.poll(async () => (await get("/api/health")).json()).toEqual(ready);
  });

  it("leaves what it compiled to the next start, however it ends", async () => {
    const count = async () => (await readdir(COMPILED, { recursive: true })).length;
    await expect.poll(count).toBeGreaterThan(500);
  });

  it("draws pages whose scripts have the nonce of this one answer", async () => {
    const pages = await Promise.all([get("/sign-in"), get("/sign-in")]);
    const nonces = pages.map(
      ({ headers }) =>
        /script-src [^;]*'nonce-([0-9a-f]{32})'/.exec(
          headers.get("content-security-policy") ?? "",
        )?.[1],
    );
    expect(new Set(nonces).size).toBe(2);
    const [page] = pages;
    expect(page?.status).toBe(200);
    expect(page?.headers.get("x-frame-options")).toBe("DENY");
    const html = (await page?.text()) ?? "";
    const scripts = html.match(/<script[^>]*>/g) ?? [];
    expect(scripts.length).toBeGreaterThan(3);
    for (const script of scripts) expect(script).toContain(`nonce="${nonces[0]}"`);
    const [file = ""] = html.match(/\/_next\/static\/[^"]+\.js/) ?? [];
    const answer = await get(file, { "Accept-Encoding": "gzip" });
    expect([answer.status, answer.headers.get("content-encoding")]).toEqual([200, "gzip"]);
  });

  it("knows on its pages who has signed in by its API", async () => {
    const stranger = await get("/");
    expect([stranger.status, stranger.headers.get("location")]).toEqual([307, "/sign-in"]);
    const cookie = (await signIn({})).headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const mine = await get("/", { cookie });
    expect([mine.status, await mine.text()]).toEqual([
      200,
      expect.stringContaining("ada@test.example"),
    ]);
  });

  it("sends an address of the API that is written in another way to the one it means", async () => {
    const answer = await get("/api/v1/drift/");
    expect([answer.status, answer.headers.get("location")]).toEqual([308, "/api/v1/drift"]);
    expect((await get("/api/none")).headers.get("content-type")).toMatch(/^text\/html/);
  });

  it("lets nobody sign in from another site", async () => {
    const foreign = await signIn({ Origin: "https://evil.example", Cookie: "a=b" });
    expect(foreign.status).toBe(403);
  });

  // Who tries is told by where a request comes from: without that, one who guesses locks out all others.
  it("makes whoever guesses wait, and nobody else, also without a proxy that tells who it is", async () => {
    const guess = async (from: string) => {
      const { status } = await askRaw(Number(new URL(url).port), {
        ...{ target: "/api/auth/sign-in/email", method: "POST", from },
        headers: { "Content-Type": "application/json", Origin: WEB_URL },
        body: JSON.stringify({ email: "ada@test.example", password: "wrong horse battery" }),
      });
      return status;
    };
    const statuses: number[] = [];
    for (let tries = 0; tries < 25 && statuses.at(-1) !== 429; tries += 1) {
      statuses.push(await guess("127.0.0.2"));
    }
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect(await guess("127.0.0.3")).toBe(401);
  });
});

describe("a process that cannot start says why in one line", () => {
  it("of a port that another has", async () => {
    const second = start({ ...settingsOn(stores.urls), WEB_PORT: new URL(url).port });
    expect(await second.ended).toBe(1);
    expect(second.lines).toEqual([expect.stringMatching(/"fatal".*EADDRINUSE.*127\.0\.0\.1/)]);
  });

  it("of settings that are missing", async () => {
    const none = start({});
    expect(await none.ended).toBe(1);
    expect(none.lines).toEqual([
      expect.stringMatching(/"fatal".*DATABASE_URL.*BETTER_AUTH_SECRET/),
    ]);
  });
});

describe("a process ends", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("by %s once who asked was answered", async (signal) => {
    const process = start(settingsOn(stores.urls));
    const { port } = new URL(await process.url());
    const socket = connect(Number(port), "127.0.0.1");
    const body = JSON.stringify({ json: { advertiserId: "acme", day: "2026-10-28", version: 1 } });
    const headers = { "Content-Type": "application/json", Expect: "100-continue" };
    const bytes = toBytes(
      { target: "/api/trpc/audit.verify", method: "POST", headers, body },
      Number(port),
    );
    socket.write(bytes.slice(0, -1));
    // It must have been read before the signal: only then does the stop wait for it.
    await once(socket, "data");
    process.signal(signal);
    await expect.poll(() => process.lines.join("\n")).toContain('"stopping"');
    socket.write(bytes.slice(-1));
    expect(toAnswer(await readAll(socket))).toMatchObject({ status: 401 });
    expect(await process.ended).toBe(0);
    expect(process.lines.at(-1)).toContain('"stopped"');
  });

  // What nobody caught leaves a state that nobody knows; Next would log it and go on.
  it("where nobody caught an error", async () => {
    const process = start(settingsOn(stores.urls));
    await process.url();
    process.signal("SIGUSR2");
    expect(await process.ended).toBe(1);
    expect(process.lines.join("\n")).toContain("Error: unheard");
  });
});
