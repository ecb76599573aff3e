import { ENDPOINTS } from "../../../../server/rest/endpoints/all.ts";
import { openApiDocument } from "../../../../server/rest/openapi.ts";
import { compose } from "../../../../server/stores.ts";

export const dynamic = "force-dynamic";

/** The document says the same as long as the process runs. */
let text: string | null = null;

/** Open to everyone: it says how to ask, and holds nothing of anybody. */
export function GET(): Response {
  text ??= JSON.stringify(openApiDocument(ENDPOINTS, compose().env.webUrl));
  return new Response(text, { headers: { "Content-Type": "application/json" } });
}
