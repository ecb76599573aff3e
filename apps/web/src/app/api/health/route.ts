import { checkHealth } from "../../../server/health.ts";
import { compose } from "../../../server/stores.ts";

export const dynamic = "force-dynamic";

/** 200 only when both stores answer and the process is warm; what is not so is in the body. */
export async function GET(): Promise<Response> {
  const { stores, warmth } = compose();
  const health = await checkHealth(stores, warmth);
  return Response.json(health, {
    status: health.ok ? 200 : 503,
    headers: { "Cache-Control": "no-store" },
  });
}
