import type { ClickHouseClient } from "@clickhouse/client";
import { type ClickHouseObjects, createFolderObjects } from "./clickhouseObjects.ts";
import { createFolderObjectStore } from "./folderObjectStore.ts";
import type { ObjectStore } from "./objectStore.ts";
import type { ObjectsSettings } from "./objectsSettings.ts";
import { createS3Objects } from "./s3/s3ClickHouseObjects.ts";
import { assertConditionalPuts, createS3ObjectStore } from "./s3/s3ObjectStore.ts";

/** One archive as this program and the ClickHouse engine reach it. */
export interface ArchiveObjects {
  readonly store: ObjectStore;
  readonly inClickHouse: ClickHouseObjects;
  /**
   * To be called once before objects are written or queried. Idempotent.
   *
   * @throws if the store would overwrite objects, or one of both cannot be reached.
   */
  prepare(clickhouse: ClickHouseClient): Promise<void>;
}

/**
 * Opens the store that the settings name. Nothing is reached before `prepare`.
 *
 * @param cluster Whose ClickHouse servers read a bucket together.
 */
export function openObjects(settings: ObjectsSettings, cluster?: string): ArchiveObjects {
  if (settings.kind === "folder") {
    return {
      store: createFolderObjectStore(settings.dir),
      inClickHouse: createFolderObjects(settings.dir),
      prepare: async () => {},
    };
  }
  const { prepare, ...inClickHouse } = createS3Objects(settings, cluster);
  return {
    store: createS3ObjectStore(settings),
    inClickHouse,
    async prepare(clickhouse) {
      await assertConditionalPuts(settings);
      await prepare(clickhouse);
    },
  };
}
