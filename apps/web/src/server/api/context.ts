import { getAuth } from "../auth.ts";
import { compose } from "../stores.ts";
import { createAccess } from "./access.ts";
import type { Context } from "./trpc.ts";

/** What procedures get from a request: who asks, and the stores. */
export async function createContext(headers: Headers): Promise<Context> {
  const { stores } = compose();
  const session = await getAuth().api.getSession({ headers });
  return {
    userId: session?.user.id ?? null,
    access: createAccess(stores.db),
    stores,
    nowMs: Date.now(),
  };
}
