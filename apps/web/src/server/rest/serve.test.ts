import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROUTES = fileURLToPath(new URL("../../app/api/v1", import.meta.url));
const OTHER_METHODS = ["POST", "PUT", "PATCH", "DELETE"];

/** As Next loads it: the functions that it exports by the names of methods. */
async function load(path: string) {
  const handlers: Readonly<Record<string, unknown>> = await import(`${ROUTES}/${path}`);
  return async (method: string): Promise<Response> => {
    const handler = handlers[method];
    if (typeof handler !== "function") throw new Error(`${path} has no ${method}`);
    return handler(new Request("http://127.0.0.1/api/v1"), { params: Promise.resolve({}) });
  };
}

const bodyOf = async (response: Response) => ({
  status: response.status,
  allow: response.headers.get("allow"),
  body: await response.json(),
});
const errorOf = (code: string) => ({ error: { code, message: expect.any(String) } });

describe("the addresses of the API", () => {
  const paths = globSync("**/route.ts", { cwd: ROUTES });
  const endpoints = paths.filter((path) => !/openapi|rest/.test(path));

  // Whoever sends the wrong method reads why, in the shape of every other error.
  it.each(endpoints)("%s refuses to change anything, in JSON", async (path) => {
    const call = await load(path);
    for (const method of OTHER_METHODS) {
      expect(await bodyOf(await call(method))).toEqual({
        ...{ status: 405, allow: "GET, HEAD, OPTIONS" },
        body: errorOf("method_not_allowed"),
      });
    }
    const options = await call("OPTIONS");
    expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
  });

  it("answers 404 in JSON at every other address, by any method", async () => {
    const [nothing = ""] = paths.filter((path) => path.includes("rest"));
    const call = await load(nothing);
    for (const method of ["GET", ...OTHER_METHODS]) {
      expect(await bodyOf(await call(method))).toMatchObject({
        ...{ status: 404, body: errorOf("not_found") },
      });
    }
  });
});
