import { pacingEndpoint } from "../../../../server/rest/endpoints/pacing.ts";
import { serve } from "../../../../server/rest/serve.ts";

export const dynamic = "force-dynamic";

export const GET = serve(pacingEndpoint);
