import { ENDPOINTS } from "../../../../server/rest/endpoints/all.ts";
import { openApiDocument } from "../../../../server/rest/openapi.ts";
import { compose } from "../../../../server/stores.ts";

export const dynamic = "force-dynamic";

/** Open to everyone: it says how to ask, and holds nothing of anybody. */
export function GET(): Response {
  return Response.json(openApiDocument(ENDPOINTS, compose().env.webUrl));
}
