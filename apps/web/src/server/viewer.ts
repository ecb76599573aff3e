import "server-only";
import { listAdvertisers } from "@trueclick/db/queries/advertisers";
import { headers } from "next/headers";
import type { Viewer } from "../shell/viewer.tsx";
import { createAccess } from "./api/access.ts";
import { getAuth } from "./auth.ts";
import { compose } from "./stores.ts";

/** Who is at the door: a viewer with its accounts, or why there is none. */
export async function loadViewer(): Promise<Viewer | "signed-out" | "no-role"> {
  const session = await getAuth().api.getSession({ headers: await headers() });
  if (session === null) return "signed-out";

  const { stores } = compose();
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
}
