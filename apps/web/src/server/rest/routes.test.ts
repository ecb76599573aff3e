import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import { afterAll, describe, expect, it } from "vitest";
import { ownRequest } from "../http/apiRequest.ts";
import { answerBy, NOWHERE } from "../http/route.ts";
import { ENDPOINTS } from "./endpoints/all.ts";
import { openApiDocument } from "./openapi.ts";
import { createRestRoutes } from "./routes.ts";

const OTHER_METHODS = ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"];
const WEB = "http://127.0.0.1:3000";

const { db, close } = openDatabase("postgres://nobody:x@127.0.0.1:1/none", { connectionsMax: 1 });
const clickhouse = openClickHouse("http://127.0.0.1:1/none");
afterAll(() => Promise.all([close(), clickhouse.close()]));

const onFault = (error: unknown) => expect(error).toBeUndefined();
const parts = { stores: { db, clickhouse }, sessionUser: async () => null, onFault };
const find = createRestRoutes(ENDPOINTS, parts, WEB);
/** As somebody fills in the parameters. */
const filled = (path: string) => path.replaceAll(/\{[^}]+\}/g, "abc");
const ask = async (path: string, method: string) => {
  const request = ownRequest(new Request(`${WEB}/api/v1${path}`, { method }));
  const response = await answerBy(find(path), request);
  const allow = response.headers.get("allow");
  return { status: response.status, allow, text: await response.text() };
};
const errorOf = (code: string) =>
  expect.stringMatching(`^\\{"error":\\{"code":"${code}","message":`);

describe("the addresses of the API", () => {
  const documented = Object.keys(openApiDocument(ENDPOINTS, WEB).paths);

  // What is served and not described is an API nobody knows; the other way round, a lie.
  it.each(documented)("%s is served", async (path) => {
    expect(find(filled(path))).not.toBe(NOWHERE);
    // Who asks is what is asked first.
    expect(await ask(filled(path), "GET")).toMatchObject({ status: 401 });
  });

  it("are those of the document and no others", async () => {
    expect(documented).toHaveLength(ENDPOINTS.length);
    const others = ["", "/", "/none", "/drift/", "/drift/x", "/Drift", "/events", "/events/a/b"];
    for (const path of [...others, "/openapi.json/x", "/{event_id}", "/__proto__", "/dr%69ft"]) {
      expect(find(path), path).toBe(NOWHERE);
    }
  });

  // Whoever sends the wrong method reads why, in the shape of every other error.
  it.each([...documented, "/openapi.json"])("%s refuses to change anything", async (path) => {
    const allow = "GET, HEAD, OPTIONS";
    for (const method of OTHER_METHODS) {
      expect(await ask(filled(path), method)).toEqual({
        ...{ status: 405, allow, text: errorOf("method_not_allowed") },
      });
    }
    expect(await ask(filled(path), "OPTIONS")).toEqual({ status: 204, allow, text: "" });
  });

  it("answers 404 at every other address, by any method", async () => {
    for (const method of ["GET", "OPTIONS", ...OTHER_METHODS]) {
      expect(await ask("/none", method)).toEqual({
        ...{ status: 404, allow: null, text: errorOf("not_found") },
      });
    }
  });
});
