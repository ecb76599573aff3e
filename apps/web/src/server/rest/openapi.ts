/** The OpenAPI document, made of the endpoints themselves so that it cannot say anything else. */
import { z } from "zod";
import type { Endpoint } from "./endpoint.ts";
import { isList } from "./params.ts";

const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

const ERRORS = {
  400: "A parameter is wrong; the message names it",
  401: "No API key, or one that is not valid",
  403: "The key lacks the scope",
  404: "Not there, or another tenant's",
} as const;

/** What the document needs of an endpoint. */
export type Described = Omit<Endpoint, "handle">;

export function openApiDocument(endpoints: readonly Described[], serverUrl: string) {
  return {
    openapi: "3.1.0",
    info: {
      title: "Trueclick reporting API",
      version: "1.0.0",
      description:
        "Times are ISO 8601 UTC with milliseconds, money is integer micros beside a currency code.",
    },
    servers: [{ url: `${serverUrl}/api/v1` }],
    security: [{ apiKey: [] }],
    components: { securitySchemes: { apiKey: { type: "http", scheme: "bearer" } } },
    paths: Object.fromEntries(
      endpoints.map((endpoint) => [endpoint.path, { get: operationOf(endpoint) }]),
    ),
  };
}

function operationOf({ path, summary, scope, params, answer, csv }: Described) {
  const json = { "application/json": { schema: z.toJSONSchema(answer, { io: "output" }) } };
  const text = { "text/csv": { schema: { type: "string" } } };
  return {
    summary,
    operationId: path.replaceAll(/[^A-Za-z]+/g, "_").replaceAll(/^_|_$/g, ""),
    description: `Needs the scope ${scope}.`,
    parameters: Object.entries(params.shape).map(([name, field]) => parameterOf(path, name, field)),
    responses: {
      200: {
        description: "OK",
        content: { ...(csv === "only" ? {} : json), ...(csv === undefined ? {} : text) },
      },
      ...Object.fromEntries(
        Object.entries(ERRORS).map(([status, description]) => [
          status,
          {
            description,
            content: { "application/json": { schema: z.toJSONSchema(errorSchema) } },
          },
        ]),
      ),
    },
  };
}

function parameterOf(path: string, name: string, field: z.core.$ZodType) {
  const inPath = path.includes(`{${name}}`);
  const schema = z.toJSONSchema(field, { io: "input" });
  return {
    name,
    in: inPath ? "path" : "query",
    required: inPath || !z.safeParse(field, undefined).success,
    schema,
    ...(isList(field) ? { style: "form", explode: true } : {}),
    ...(schema.description === undefined ? {} : { description: schema.description }),
  };
}
