import type { InstantRange, IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import type { RuleId, RuleParameters } from "@trueclick/shared/verdict/rules";
import type { TruthLine } from "../domain/truth.ts";
import type { Claim, WorkQueue } from "./workQueue.ts";

/** A rule as somebody would like it to be, and the days to try it on. */
export interface Backtest extends Claim {
  readonly ruleId: RuleId;
  readonly enabled: boolean;
  readonly parameters: RuleParameters;
  readonly partitions: readonly {
    readonly advertiserId: AdvertiserId;
    readonly billingDay: IsoDay;
    readonly bounds: InstantRange;
    readonly currency: string;
  }[];
}

/** What a campaign would have had less (negative) or more, over all days of a back-test. */
export interface BacktestLine {
  readonly advertiser: string;
  readonly campaign: string;
  readonly currency: string;
  readonly clicks: number;
  /** Micros of the currency, as text: it may pass 2^53. */
  readonly costMicros: string;
}

/** Where back-tests are asked for and answered. */
export interface Backtests extends WorkQueue {
  /** Takes the oldest that waits, or whose worker died; null when there is none. */
  take(): Promise<Backtest | null>;
  /** The billed lines of a day's current version. */
  currentLines(
    advertiserId: AdvertiserId,
    billingDay: IsoDay,
  ): Promise<Pick<TruthLine, "campaignId" | "clicks" | "costMicros">[]>;
  /** Says how far it is. @throws {JobLostError} It is not this worker's any more. */
  report(backtest: Claim, partitionsDone: number): Promise<void>;
  /** @throws {JobLostError} It is not this worker's any more; nothing was written. */
  finish(backtest: Claim, lines: readonly BacktestLine[]): Promise<void>;
}
