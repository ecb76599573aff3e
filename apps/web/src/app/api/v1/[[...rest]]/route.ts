import { serveNothing } from "../../../../server/rest/serve.ts";

export const dynamic = "force-dynamic";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = serveNothing();
