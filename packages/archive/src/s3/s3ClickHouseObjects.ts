import { hash } from "node:crypto";
import type { ClickHouseClient } from "@clickhouse/client";
import { type ClickHouseObjects, STRUCTURE, selectsOf } from "../clickhouseObjects.ts";
import { sqlString } from "../domain/sqlString.ts";
import { type S3Settings, s3Url } from "./s3Client.ts";

export interface S3ClickHouseObjects extends ClickHouseObjects {
  /**
   * Tells the engine where the bucket is and its key, in a named collection: so no query bears the
   * key, nor does any log of queries. Idempotent. Needs the right to create named collections.
   */
  prepare(clickhouse: ClickHouseClient): Promise<void>;
}

/**
 * Objects of a bucket that the engine reads by itself. A missing one is an error of the query.
 *
 * @param cluster Whose servers each read some of the objects, decode them and send on the columns that are
 *   asked for; without it, the one that is asked reads them all.
 */
export function createS3Objects(settings: S3Settings, cluster?: string): S3ClickHouseObjects {
  const collection = collectionName(settings);
  const source = cluster === undefined ? "s3(" : `s3Cluster(${sqlString(cluster)}, `;
  return {
    rowsOf: (paths) =>
      selectsOf(paths, (some) => {
        // `_path` begins with the bucket and a slash, and SQL counts from 1.
        const path = `substring(_path, ${Buffer.byteLength(settings.bucket) + 2})`;
        return `SELECT *, ${path} AS path, _row_number AS row
          FROM ${source}${collection}, filename = ${sqlString(`{${some.join(",")}}`)},
            format = 'Parquet', structure = ${sqlString(STRUCTURE)})`;
      }),

    async prepare(clickhouse) {
      const { accessKeyId, secretAccessKey } = settings;
      try {
        await clickhouse.command({
          query: `CREATE NAMED COLLECTION IF NOT EXISTS ${collection} AS
            url = ${sqlString(s3Url(settings, "").href)},
            access_key_id = ${sqlString(accessKeyId)},
            secret_access_key = ${sqlString(secretAccessKey)}`,
          clickhouse_settings: { log_queries: 0 },
        });
      } catch (cause) {
        // The cause may quote the statement, and with it the key.
        const words = cause instanceof Error ? cause.message : String(cause);
        const safe = words
          .replaceAll(secretAccessKey, "[HIDDEN]")
          .replaceAll(accessKeyId, "[HIDDEN]");
        throw new Error(`ClickHouse did not take the archive's bucket: ${safe}`);
      }
    },
  };
}

/** Another bucket or key has another name: a rotated key needs no altering. */
function collectionName(settings: S3Settings): string {
  const { endpoint, bucket, region, accessKeyId, secretAccessKey, pathStyle } = settings;
  const parts = [endpoint, bucket, region, accessKeyId, secretAccessKey, pathStyle];
  return `trueclick_archive_${hash("sha256", JSON.stringify(parts)).slice(0, 16)}`;
}
