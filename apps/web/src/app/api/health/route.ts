import { checkHealth } from "../../../server/health.ts";
import { compose } from "../../../server/stores.ts";

export const dynamic = "force-dynamic";

/** 200 only when both stores answer; which one does not is in the body. */
export async function GET(): Promise<Response> {
  const health = await checkHealth(compose().stores);
  return Response.json(health, {
    status: health.ok ? 200 : 503,
    headers: { "Cache-Control": "no-store" },
  });
}
