import { and, eq } from "drizzle-orm";
import { truthCurrent, truthVersions } from "./schema/truth.ts";

/** Joins the pointers to the versions that they point to: the only rows of truth that readers see. */
export function isCurrentVersion() {
  return and(
    eq(truthVersions.advertiserId, truthCurrent.advertiserId),
    eq(truthVersions.billingDay, truthCurrent.billingDay),
    eq(truthVersions.version, truthCurrent.version),
  );
}
