/** The rows of the hot store: each table's columns, and how they are written in their order. */
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { CellTotals } from "../domain/cubes.ts";
import { type HourUsers, USER_HASH_BYTES } from "../domain/hourUsers.ts";
import type { StreamReject } from "../domain/outcomes.ts";
import type { RowBinaryWriter } from "./rowBinary.ts";

/** A table, the columns that are written, and how a row of them is. */
export interface HotTable<Row> {
  readonly name: string;
  readonly columns: readonly string[];
  readonly write: (to: RowBinaryWriter, row: Row) => void;
}

/** A cell, with the partition of the log that it was counted from. */
export interface PartitionCell {
  readonly partition: number;
  readonly cell: CellTotals;
}

export const HOT_MINUTES: HotTable<PartitionCell> = {
  name: "hot_minutes",
  columns: [
    ...["advertiser_id", "cube", "campaign_id", "window_start", "dimension_value", "partition"],
    ...["clicks", "invalid_clicks", "duplicate_clicks", "impressions", "conversions"],
    ...["cost_micros", "version", "givt_clicks"],
  ],
  write: (to, { partition, cell }) => {
    to.text(cell.advertiserId);
    to.text(cell.cube);
    to.text(cell.campaignId);
    to.uint32(cell.windowStartMs / SECOND_MS);
    to.text(cell.dimensionValue);
    to.uint16(partition);
    to.count(cell.clicks);
    to.count(cell.invalidClicks);
    to.count(cell.duplicateClicks);
    to.count(cell.impressions);
    to.count(cell.conversions);
    to.int64(cell.costMicros);
    to.uint64(cell.version);
    to.count(cell.givtClicks);
  },
};

export const STREAM_REJECTS: HotTable<StreamReject> = {
  name: "stream_rejects",
  columns: [
    ...["advertiser_id", "campaign_id", "event_hour", "partition", "offset", "index"],
    ...["event_id", "event_type", "reason", "event_time", "append_time"],
  ],
  write: (to, reject) => {
    to.text(reject.advertiserId);
    to.text(reject.campaignId);
    to.uint32(windowStartMs(reject.eventTimeMs, HOUR_MS) / SECOND_MS);
    to.uint16(reject.partition);
    to.uint64(reject.offset);
    to.uint16(reject.index);
    to.text(reject.eventId);
    to.text(reject.eventType);
    to.text(reject.reason);
    to.int64(BigInt(reject.eventTimeMs));
    to.int64(BigInt(reject.appendTimeMs));
  },
};

/** Users of one row: 64 kB of text. More users are more rows, of which the table makes one set. */
const USERS_ROW_MAX = 4_096;

/** The hashes are those of at most `USERS_ROW_MAX` users: see `toUserRows`. */
export const HOT_USERS: HotTable<HourUsers> = {
  name: "hot_users",
  columns: ["advertiser_id", "campaign_id", "event_hour", "user_hashes"],
  write: (to, { advertiserId, campaignId, hourStartMs, userHashes }) => {
    to.text(advertiserId);
    to.text(campaignId);
    to.uint32(hourStartMs / SECOND_MS);
    to.text(Buffer.from(userHashes).toString("hex"));
  },
};

/** One row at least: that an hour has clicks and no user is worth knowing, too. */
export function toUserRows(users: HourUsers): HourUsers[] {
  const { userHashes } = users;
  const rowBytes = USERS_ROW_MAX * USER_HASH_BYTES;
  const rows = Math.max(1, Math.ceil(userHashes.length / rowBytes));
  return Array.from({ length: rows }, (_none, at) => {
    return { ...users, userHashes: userHashes.subarray(at * rowBytes, (at + 1) * rowBytes) };
  });
}
