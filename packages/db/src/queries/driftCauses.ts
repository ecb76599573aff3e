/**
 * Why stream and truth differ (invariant I8): per campaign and hour,
 * stream − truth = Σ causes + unexplained. Pure.
 *
 * Evidence comes from both sides by coordinates: what the stream did not count and why, what truth
 * does not bill and why. An event that both left out, or both counted, makes no difference.
 */

/** Events of one campaign and hour by what each side says of them. */
export interface EvidenceCount {
  /** Why the stream did not count them; empty when it counted them. */
  readonly reason: string;
  /** Why truth does not bill them; empty when it does. */
  readonly verdict: string;
  readonly events: number;
}

/** What the row index of the archive knows of events that neither side has evidence of. */
export interface IndexCount {
  /** Counted by the stream, archived after the inputs of truth were pinned. */
  readonly notInTruthMin: number;
  /** The same with those of hours that two days share, of which the index cannot tell the day. */
  readonly notInTruthMax: number;
  /** Billed by truth, and not read by the stream yet. */
  readonly notStreamed: number;
}

export interface DriftFacts {
  readonly stream: number;
  readonly truth: number;
  readonly evidence: readonly EvidenceCount[];
  readonly index: IndexCount;
  /** Whether the stream has read further than the archive in any partition. */
  readonly archiveBehind: boolean;
  /** Whether the hour can still grow, so that two reads of it may differ. */
  readonly hourOpen: boolean;
}

export interface Drift {
  /** Signed: positive where the stream counted more. Without zeros. */
  readonly causes: Readonly<Record<string, number>>;
  readonly unexplained: number;
}

/** Names the difference between stream and truth of one campaign and hour. */
export function explainDrift(facts: DriftFacts): Drift {
  const causes = new Map<string, number>();
  let rest = facts.stream - facts.truth;
  const explain = (cause: string, difference: number) => {
    causes.set(cause, (causes.get(cause) ?? 0) + difference);
    rest -= difference;
  };

  for (const { reason, verdict, events } of facts.evidence) {
    if (reason !== "" && verdict === "") explain(reason, -events);
    if (reason === "" && verdict !== "") explain(verdict, events);
  }
  const { notStreamed, notInTruthMin, notInTruthMax } = facts.index;
  explain("not_streamed_yet", -notStreamed);
  explain("not_in_truth_yet", Math.min(Math.max(rest, notInTruthMin), notInTruthMax));
  if (facts.archiveBehind && rest > 0) explain("not_archived_yet", rest);
  if (facts.hourOpen) explain("in_flight", rest);

  return {
    causes: Object.fromEntries([...causes].filter(([, difference]) => difference !== 0)),
    unexplained: rest,
  };
}

/**
 * Names what is left of an hour that was being counted again while it was read: its counts and its evidence
 * are written one behind the other, and may be of before and after.
 */
export function explainRecount({ causes, unexplained }: Drift): Drift {
  return { causes: { ...causes, being_recounted: unexplained }, unexplained: 0 };
}
