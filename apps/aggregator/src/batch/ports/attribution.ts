import type { InstantRange, IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import type { PinnedAttribution } from "../domain/attribution.ts";
import type { AttributionSummary, CreditedHours } from "../domain/credits.ts";
import type { PinnedInputs, PinnedObject } from "../domain/inputs.ts";
import type { Slice } from "../domain/slices.ts";
import type { TakenOver } from "../domain/takenOver.ts";
import type { Build } from "./truthEngine.ts";

/** A counted day whose valid clicks are to be found by what conversions name. */
export interface CountedDay {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly judgedHash: string;
  /** The build that holds its evidence, but for the hours that it took over of earlier ones. */
  readonly buildId: bigint;
  readonly takenOver: readonly TakenOver[];
  /** Valid clicks of its version. */
  readonly clicks: number;
}

/** What a counted day was judged on, as far as its valid clicks depend on it. */
export interface JudgedDay extends CountedDay {
  readonly bounds: InstantRange;
  readonly campaignIds: readonly string[];
  /** Paths of the objects of its hours as they were pinned. */
  readonly pinnedPaths: readonly string[];
  /** Objects that hold these events now; compaction may have added others' to them. */
  readonly objects: readonly PinnedObject[];
}

/** Where windows and the versions of earlier days come from, and where they are pinned. */
export interface AttributionInputs {
  /** Reads windows and current versions as they are at one instant. */
  read(inputs: PinnedInputs): Promise<{
    readonly pinned: Omit<PinnedAttribution, "model">;
    /** Days of the look-back whose clicks nobody has looked up yet, ascending. */
    readonly unindexed: readonly CountedDay[];
  }>;
  /**
   * Of days that were looked back to, those whose clicks are to be looked up again, ascending. Any version
   * that judged the same will do.
   *
   * @throws {JobRefusedError} if there is no version that judged what a day is said to have.
   */
  unindexed(
    advertiserId: AdvertiserId,
    lookback: PinnedAttribution["lookback"],
  ): Promise<readonly CountedDay[]>;
  /** @throws {JobRefusedError} if what the day was judged on is not known any more. */
  readJudged(day: CountedDay): Promise<JudgedDay>;
  /** Writes down what the job credits by, before it does. @throws {JobLostError} */
  pin(jobId: bigint, inputs: PinnedInputs, inputsHash: string): Promise<void>;
  /** Notes a day whose clicks are all in the engine; only after their writing was confirmed. */
  noteIndexed(day: CountedDay): Promise<void>;
}

/** Credits conversions inside the ClickHouse engine; rows of events never leave it. */
export interface AttributionEngine {
  /** Names the code that credits; another one may credit otherwise. */
  readonly model: string;
  /** Hours of the build with valid conversions. */
  conversionHours(
    build: Build,
  ): Promise<{ readonly hourMs: number; readonly conversions: number }[]>;
  /** Stages the valid conversions of a slice. Not idempotent. */
  stageConversions(build: Build, slice: Slice): Promise<void>;
  /** Conversions of the build that are staged. */
  countStaged(build: Build): Promise<number>;
  /** Finds the valid clicks of a slice of the own day that staged conversions may be credited to. */
  findOwnClicks(build: Build, slice: Slice): Promise<void>;
  /** Writes the valid clicks of a slice of an earlier day, and tells how many it has. Idempotent. */
  indexClicks(day: JudgedDay, slice: Slice): Promise<number>;
  /** Credits the staged conversions of some hours. Not idempotent. */
  credit(build: Build, attribution: PinnedAttribution, hours: CreditedHours): Promise<void>;
  /** Writes the cube's cells of what was credited; once, after all hours. */
  addCells(build: Build): Promise<void>;
  /** Reads back what the build holds. */
  summarize(build: Build): Promise<AttributionSummary>;
}
