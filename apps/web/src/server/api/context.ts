import type { Stores } from "@trueclick/db/stores";
import type { Auth } from "../auth.ts";
import { createAccess } from "./access.ts";
import type { Context } from "./trpc.ts";

/** What procedures get from a request: who asks, and the stores. */
export async function createContext(
  { stores, auth }: { readonly stores: Stores; readonly auth: Auth },
  headers: Headers,
): Promise<Context> {
  const session = await auth.api.getSession({ headers });
  return {
    userId: session?.user.id ?? null,
    access: createAccess(stores.db),
    stores,
    nowMs: Date.now(),
  };
}
