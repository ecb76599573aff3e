import { billingExportEndpoint } from "../../../../../server/rest/endpoints/billingExport.ts";
import { serve } from "../../../../../server/rest/serve.ts";

export const dynamic = "force-dynamic";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = serve(billingExportEndpoint);
