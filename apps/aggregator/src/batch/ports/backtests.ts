import type { InstantRange, IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import type { RuleId, RuleParameters } from "@trueclick/shared/verdict/rules";
import type { TruthLine } from "../domain/truth.ts";

/** A rule as somebody would like it to be, and the days to try it on. */
export interface Backtest {
  readonly id: number;
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
export interface Backtests {
  /** Takes the oldest that waits, or whose runner died; null when there is none. */
  take(): Promise<Backtest | null>;
  /** The billed lines of a day's current version. */
  currentLines(
    advertiserId: AdvertiserId,
    billingDay: IsoDay,
  ): Promise<Pick<TruthLine, "campaignId" | "clicks" | "costMicros">[]>;
  /** Says how far it is, and that its runner lives. */
  report(id: number, partitionsDone: number): Promise<void>;
  finish(id: number, lines: readonly BacktestLine[]): Promise<void>;
  fail(id: number, error: string): Promise<void>;
}
