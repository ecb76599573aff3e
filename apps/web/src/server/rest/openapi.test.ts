import { describe, expect, it } from "vitest";
import { ENDPOINTS } from "./endpoints/all.ts";
import { openApiDocument } from "./openapi.ts";

const document = openApiDocument(ENDPOINTS, "http://127.0.0.1:3000");

describe("the OpenAPI document", () => {
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
