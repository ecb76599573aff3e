import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ENDPOINTS } from "./endpoints/all.ts";
import { openApiDocument } from "./openapi.ts";

const ROUTES = fileURLToPath(new URL("../../app/api/v1", import.meta.url));
/** Not endpoints: the document itself, and the answer to every other address. */
const OTHERS = ["/openapi.json", "/{{...rest}}"];

const document = openApiDocument(ENDPOINTS, "http://127.0.0.1:3000");

describe("the OpenAPI document", () => {
  // What is served and not described is an API nobody knows; the other way round, a lie.
  it("describes exactly the addresses that are served", () => {
    const served = readdirSync(ROUTES, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith("route.ts"))
      .map((file) => `/${file.slice(0, -"/route.ts".length)}`)
      .map((path) => path.replaceAll("[", "{").replaceAll("]", "}"))
      .filter((path) => !OTHERS.includes(path));
    expect(Object.keys(document.paths).sort()).toEqual(served.sort());
  });

  it("names every parameter, where it goes and whether it must be there", () => {
    const { parameters } = document.paths["/report"]?.get ?? { parameters: [] };
    const byName = Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter]));
    expect(byName["from"]).toMatchObject({ in: "query", required: true });
    expect(byName["mode"]).toMatchObject({
      required: false,
      schema: { enum: ["dashboard", "billing"], default: "dashboard" },
    });
    expect(byName["campaign_id"]).toMatchObject({ schema: { type: "array" }, explode: true });
    const [eventId] = document.paths["/events/{event_id}"]?.get.parameters ?? [];
    expect(eventId).toMatchObject({ name: "event_id", in: "path", required: true });
  });

  it("is JSON", () => {
    expect(JSON.parse(JSON.stringify(document))).toMatchObject({ openapi: "3.1.0" });
  });
});
