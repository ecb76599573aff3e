export interface IdentityCounts {
  readonly received: bigint;
  readonly counted: bigint;
  readonly duplicate: bigint;
  readonly invalid: bigint;
  readonly late: bigint;
  readonly quarantined: bigint;
  readonly inFlight: bigint;
}

export interface IdentityPart {
  readonly id: "counted" | "duplicate" | "invalid" | "late" | "quarantined" | "inFlight";
  readonly events: bigint;
  /** Of all received, 0 to 1. */
  readonly share: number;
}

/**
 * The identity received = counted + duplicate + invalid + late + quarantined + in flight (invariant I2).
 *
 * `missing` is what the parts leave over: anything but 0 is an event lost or counted twice.
 */
export function prepareIdentity(counts: IdentityCounts): {
  readonly parts: readonly IdentityPart[];
  readonly missing: bigint;
} {
  const ids = ["counted", "duplicate", "invalid", "late", "quarantined", "inFlight"] as const;
  const parts = ids.map((id) => ({
    id,
    events: counts[id],
    share: counts.received === 0n ? 0 : Number(counts[id]) / Number(counts.received),
  }));
  const accounted = parts.reduce((sum, part) => sum + part.events, 0n);
  return { parts, missing: counts.received - accounted };
}
