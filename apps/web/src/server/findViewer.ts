import { listAdvertisers } from "@trueclick/db/queries/advertisers";
import type { Stores } from "@trueclick/db/stores";
import { createAccess } from "./api/access.ts";
import type { Auth } from "./auth.ts";
import type { Composition } from "./composition.ts";

/** Finds out who looks at a page, by the cookie of its session. */
export function createLoadViewer(stores: Stores, auth: Auth): Composition["loadViewer"] {
  return async (headers) => {
    const session = await auth.api.getSession({ headers });
    if (session === null) return "signed-out";

    const access = createAccess(stores.db);
    const role = await access.roleOf(session.user.id);
    if (role === null) return "no-role";

    const accounts = await listAdvertisers(stores, await access.tenantOf(session.user.id, role));
    return {
      name: session.user.name,
      email: session.user.email,
      role,
      accounts: accounts.map(({ id, name, timeZone, currency, settlingHours }) => ({
        id,
        name,
        timeZone,
        currency,
        settlingHours,
      })),
    };
  };
}
