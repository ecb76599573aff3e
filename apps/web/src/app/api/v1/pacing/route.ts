import { pacingEndpoint } from "../../../../server/rest/endpoints/pacing.ts";
import { serve } from "../../../../server/rest/serve.ts";

export const dynamic = "force-dynamic";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = serve(pacingEndpoint);
