import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import type { EventIndex } from "../ports/eventIndex.ts";

/**
 * Fills `event_index` from the stored objects themselves, inside the engine: no row travels through
 * this process, and an object that the engine cannot read is found out before the manifest names it.
 */
export function createClickHouseEventIndex(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
): EventIndex {
  return {
    async add(paths) {
      await clickhouse.command({
        query: `
          INSERT INTO event_index
            (event_id, partition, offset, \`index\`, campaign_id, event_type, event_time,
              event_hour, path, row)
          SELECT event_id, partition, offset, \`index\`, campaign_id, event_type, event_time,
            toStartOfHour(event_time), path, row
          FROM ${objects.rowsOf(paths)}
          WHERE NOT unparseable
        `,
        clickhouse_settings: {
          log_comment: "archive.eventIndex",
          use_hive_partitioning: 0,
          // A stretch may hold events of any month; its own limit bounds how many.
          max_partitions_per_insert_block: "0",
          max_query_size: "16777216",
        },
      });
    },
  };
}
