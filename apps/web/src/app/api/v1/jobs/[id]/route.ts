import { jobEndpoint } from "../../../../../server/rest/endpoints/audit.ts";
import { serve } from "../../../../../server/rest/serve.ts";

export const dynamic = "force-dynamic";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = serve(jobEndpoint);
