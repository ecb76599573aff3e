import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import type { PinnedAttribution } from "../domain/attribution.ts";
import type { Canonical } from "../domain/canonicalJson.ts";
import type { PinnedInputs } from "../domain/inputs.ts";
import type { Compacted, Verified } from "../domain/verified.ts";
import type { Claim, WorkQueue } from "./workQueue.ts";

/** A version that somebody wants to see counted again. */
export interface Verification extends Claim {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly version: number;
  /** Of one line; null: of the whole partition. */
  readonly campaignId: CampaignId | null;
}

/** The smallest thing that is billed, as a version has it. */
export interface RecordedLine {
  readonly campaignId: string;
  readonly clicks: number;
  /** Micros of the advertiser's currency. */
  readonly costMicros: bigint;
  /** Conversions that its clicks were credited with, and their value in micros. */
  readonly credited: number;
  readonly creditedValueMicros: bigint;
}

/** What was written down of a version. */
export interface RecordedVersion {
  readonly jobId: bigint;
  /** Of all inputs. */
  readonly inputsHash: string;
  /** Of what was judged. */
  readonly judgedHash: string;
  /** Of that and of what was credited. */
  readonly contentHash: string;
  readonly codeVersion: string | null;
  readonly lines: readonly RecordedLine[];
  /** What the job wrote down of its inputs but the objects; its hash is `inputsHash`. */
  readonly inputsJson: Canonical;
  /** The same to count by. Text where it cannot be read back, which says why. */
  readonly found: FoundInputs | string;
}

/** Inputs with each object as it was pinned, while its bytes are kept, or what it was compacted into. */
export interface FoundInputs {
  /** All that the day was judged by. */
  readonly inputs: PinnedInputs;
  /** What its conversions were credited by; null of a day without, and of one of before there were credits. */
  readonly attribution: PinnedAttribution | null;
  /** Paths of objects that hold events beside those that were counted: compaction put them together. */
  readonly mixed: readonly string[];
  readonly compacted: Compacted;
}

/** Where verifications are asked for and answered. */
export interface Verifications extends WorkQueue {
  /** Takes the oldest that waits, or whose worker died; null when there is none. */
  take(): Promise<Verification | null>;
  recorded(verification: Verification): Promise<RecordedVersion>;
  /** @throws {JobLostError} It is not this worker's any more; nothing was written. */
  finish(verification: Claim, verified: Verified): Promise<void>;
}
