import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DriftFacts, explainDrift } from "./driftCauses.ts";

const none = { notInTruthMin: 0, notInTruthMax: 0, notStreamed: 0 };
const quiet: DriftFacts = {
  stream: 10,
  truth: 10,
  evidence: [],
  index: none,
  archiveBehind: false,
  hourOpen: false,
};

describe("explainDrift", () => {
  it("has nothing to explain where both agree", () => {
    expect(explainDrift(quiet)).toEqual({ causes: {}, unexplained: 0 });
  });

  it("counts what only truth counted against the stream, under the stream's reason", () => {
    const evidence = [{ reason: "late", verdict: "", events: 3 }];
    expect(explainDrift({ ...quiet, stream: 7, evidence })).toEqual({
      causes: { late: -3 },
      unexplained: 0,
    });
  });

  it("counts what only the stream counted for it, under the verdict of truth", () => {
    const evidence = [{ reason: "", verdict: "double_click", events: 2 }];
    expect(explainDrift({ ...quiet, stream: 12, evidence })).toEqual({
      causes: { double_click: 2 },
      unexplained: 0,
    });
  });

  it("leaves out what both left out", () => {
    const evidence = [{ reason: "bot_user_agent", verdict: "bot_user_agent", events: 4 }];
    expect(explainDrift({ ...quiet, evidence })).toEqual({ causes: {}, unexplained: 0 });
  });

  // Stream and truth may keep different copies of one event: no difference in counts, none in causes.
  it("lets two copies of one event cancel out", () => {
    const evidence = [
      { reason: "duplicate", verdict: "", events: 1 },
      { reason: "", verdict: "duplicate", events: 1 },
    ];
    expect(explainDrift({ ...quiet, evidence })).toEqual({ causes: {}, unexplained: 0 });
  });

  it("names what is on its way, each side by its own name", () => {
    const index = { notInTruthMin: 5, notInTruthMax: 5, notStreamed: 2 };
    expect(explainDrift({ ...quiet, stream: 13, index })).toEqual({
      causes: { not_in_truth_yet: 5, not_streamed_yet: -2 },
      unexplained: 0,
    });
    expect(explainDrift({ ...quiet, stream: 13, archiveBehind: true })).toEqual({
      causes: { not_archived_yet: 3 },
      unexplained: 0,
    });
  });

  // A number that is named away is an alarm that never rings.
  it("names no lack of stream counts after a lagging archive, and no closed hour in flight", () => {
    expect(explainDrift({ ...quiet, stream: 8, archiveBehind: true }).unexplained).toBe(-2);
    expect(explainDrift({ ...quiet, stream: 12 }).unexplained).toBe(2);
    expect(explainDrift({ ...quiet, stream: 12, hourOpen: true }).unexplained).toBe(0);
    const index = { ...none, notInTruthMin: 5, notInTruthMax: 5 };
    expect(explainDrift({ ...quiet, stream: 12, index }).unexplained).toBe(-3);
  });

  const counts = fc.nat({ max: 1_000 });
  const words = fc.constantFrom("", "late", "duplicate", "double_click", "bot_user_agent");
  it("adds up, whatever the evidence says", () => {
    fc.assert(
      fc.property(
        fc.record({
          stream: counts,
          truth: counts,
          evidence: fc.array(fc.record({ reason: words, verdict: words, events: counts })),
          index: fc.tuple(counts, counts, counts).map(([notInTruthMin, more, notStreamed]) => {
            return { notInTruthMin, notInTruthMax: notInTruthMin + more, notStreamed };
          }),
          archiveBehind: fc.boolean(),
          hourOpen: fc.boolean(),
        }),
        (facts) => {
          const { causes, unexplained } = explainDrift(facts);
          const sum = Object.values(causes).reduce((total, cause) => total + cause, unexplained);
          expect(sum).toBe(facts.stream - facts.truth);
        },
      ),
    );
  });
});
