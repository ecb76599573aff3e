import { pipelineHealthEndpoint } from "../../../../../server/rest/endpoints/pipelineHealth.ts";
import { serve } from "../../../../../server/rest/serve.ts";

export const dynamic = "force-dynamic";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = serve(pipelineHealthEndpoint);
