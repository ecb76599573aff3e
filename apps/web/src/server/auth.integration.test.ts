import { accounts, users } from "@trueclick/db/postgres/schema/auth";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { hashPassword } from "better-auth/crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAuth } from "./auth.ts";

const webUrl = "http://127.0.0.1:3000";
const password = "correct horse battery";
const settings = { authSecret: "s".repeat(32), webUrl };

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await stores.db.insert(users).values({ id: "ada", name: "Ada", email: "ada@test.example" });
  await stores.db.insert(accounts).values({
    id: "ada",
    accountId: "ada",
    providerId: "credential",
    userId: "ada",
    password: await hashPassword(password),
  });
});
afterAll(() => stores.close());

type Auth = ReturnType<typeof createAuth>;

function post(auth: Auth, path: string, body: object, headers: Record<string, string> = {}) {
  return auth.handler(
    new Request(`${webUrl}/api/auth${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: webUrl, ...headers },
      body: JSON.stringify(body),
    }),
  );
}

it("opens a session whose cookie no script can read and no other site can send", async () => {
  const auth = createAuth(stores.db, settings);
  const response = await post(auth, "/sign-in/email", { email: "ada@test.example", password });
  const cookie = response.headers.get("set-cookie") ?? "";
  expect(response.status).toBe(200);
  expect(cookie).toMatch(/^trueclick\.session_token=.*HttpOnly.*SameSite=Lax/i);
  expect(cookie).not.toMatch(/Secure/);

  const headers = new Headers({ cookie: cookie.split(";")[0] ?? "" });
  expect((await auth.api.getSession({ headers }))?.user.id).toBe("ada");
});

it("sends its cookie over https only where the app is reached by https", async () => {
  const auth = createAuth(stores.db, { ...settings, webUrl: "https://ads.example" });
  const origin = { Origin: "https://ads.example" };
  const credentials = { email: "ada@test.example", password };
  const response = await post(auth, "/sign-in/email", credentials, origin);
  expect(response.headers.get("set-cookie")).toMatch(/^__Secure-trueclick.*; Secure/);
});

it("refuses a wrong password and an unknown email alike", async () => {
  const auth = createAuth(stores.db, settings);
  const wrong = await post(auth, "/sign-in/email", { email: "ada@test.example", password: "no" });
  const unknown = await post(auth, "/sign-in/email", { email: "eve@test.example", password });
  expect([wrong.status, unknown.status]).toEqual([401, 401]);
  expect(await wrong.json()).toEqual(await unknown.json());
});

it("lets nobody make an account", async () => {
  const auth = createAuth(stores.db, settings);
  const body = { email: "eve@test.example", password, name: "Eve" };
  expect((await post(auth, "/sign-up/email", body)).ok).toBe(false);
  expect(await stores.db.select({ id: users.id }).from(users)).toEqual([{ id: "ada" }]);
});

it("makes whoever guesses wait", async () => {
  const auth = createAuth(stores.db, settings);
  const address = { "x-forwarded-for": "203.0.113.9" };
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 21; attempt += 1) {
    const body = { email: "ada@test.example", password: "guess" };
    statuses.push((await post(auth, "/sign-in/email", body, address)).status);
  }
  expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true);
  expect(statuses[20]).toBe(429);
});
