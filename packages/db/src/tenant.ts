import type { AdvertiserId } from "@trueclick/shared/ids";

/**
 * Whose rows a reader may see (invariant I10). Every query takes one, so that none can forget it;
 * an empty list sees nothing.
 */
export type TenantScope =
  | { readonly kind: "all" }
  | { readonly kind: "advertisers"; readonly ids: readonly AdvertiserId[] };
