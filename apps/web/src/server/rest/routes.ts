/** The addresses of the REST API, which follow from its endpoints. */
import { NOWHERE, READ, type Route } from "../http/route.ts";
import { answerRequest, type Endpoint, type RestDependencies } from "./endpoint.ts";
import { type Described, openApiDocument } from "./openapi.ts";

/** What of an endpoint's dependencies is the same for every request. */
export type RestParts = Omit<RestDependencies, "nowMs">;

interface Pattern {
  readonly endpoint: Endpoint;
  readonly segments: readonly string[];
}

/**
 * Finds the route of a path below `/api/v1`, and `NOWHERE` of one that is none.
 *
 * @param serverUrl Of which the OpenAPI document tells.
 */
export function createRestRoutes(
  endpoints: readonly Endpoint[],
  parts: RestParts,
  serverUrl: string,
): (path: string) => Route {
  const fixed = new Map<string, Route>([
    ["/openapi.json", openApiRoute(endpoints, serverUrl)],
    ...endpoints
      .filter(({ path }) => !path.includes("{"))
      .map((endpoint): [string, Route] => [endpoint.path, routeOf(endpoint, {}, parts)]),
  ]);
  const patterns = endpoints
    .filter(({ path }) => path.includes("{"))
    .map((endpoint): Pattern => ({ endpoint, segments: endpoint.path.split("/") }));
  return (path) => fixed.get(path) ?? routeOfPattern(patterns, path, parts);
}

function routeOfPattern(patterns: readonly Pattern[], path: string, parts: RestParts): Route {
  const given = path.split("/");
  for (const { endpoint, segments } of patterns) {
    const params = match(segments, given);
    if (params !== null) return routeOf(endpoint, params, parts);
  }
  return NOWHERE;
}

/** Path parameters as they were sent, or null where the path is another. */
function match(
  segments: readonly string[],
  given: readonly string[],
): Record<string, string> | null {
  if (segments.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    const text = given[at] ?? "";
    if (segment.startsWith("{")) params[segment.slice(1, -1)] = text;
    else if (segment !== text) return null;
  }
  return params;
}

function routeOf(
  endpoint: Endpoint,
  params: Readonly<Record<string, string>>,
  parts: RestParts,
): Route {
  return {
    methods: READ,
    answer: ({ headers, url }) => {
      const dependencies = { ...parts, nowMs: Date.now() };
      return answerRequest(endpoint, { headers, query: url.searchParams }, params, dependencies);
    },
  };
}

/** Open to everyone: it says how to ask, and holds nothing of anybody. */
function openApiRoute(endpoints: readonly Described[], serverUrl: string): Route {
  let text: string | null = null;
  return {
    methods: READ,
    answer: async () => {
      // It says the same as long as the process runs.
      text ??= JSON.stringify(openApiDocument(endpoints, serverUrl));
      return new Response(text, { headers: { "Content-Type": "application/json" } });
    },
  };
}
