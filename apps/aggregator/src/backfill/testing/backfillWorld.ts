import type { ClickHouseClient } from "@clickhouse/client";
import { type ClickHouseObjects, createFolderObjects } from "@trueclick/archive/clickhouseObjects";
import { StretchEncoder } from "@trueclick/archive/encode/stretchEncoder";
import { createFolderObjectStore } from "@trueclick/archive/folderObjectStore";
import type { ObjectEncoder } from "@trueclick/archive/objectEncoder";
import { createTestObjectsDir } from "@trueclick/local-stack/testing";
import { createClickHouseEventIndex } from "../../archive/adapters/clickhouseEventIndex.ts";
import { createPostgresManifest } from "../../archive/adapters/postgresManifest.ts";
import { archiveToEnd, WIDE } from "../../archive/testing/archiveWorld.ts";
import { testLeases } from "../../leases/testing/testLeases.ts";
import {
  ALLOWED_LATENESS_MS,
  openStreamWorld,
  PARTITIONS,
  type StreamWorld,
  TOPIC,
} from "../../stream/testing/streamWorld.ts";
import { composeBackfill } from "../composeBackfill.ts";
import type { BackfillObserver } from "../pipeline/backfill.ts";

/** The stream, the archive and the backfill on one log and real engines. */
export interface BackfillWorld {
  readonly stream: StreamWorld;
  readonly clickhouseObjects: ClickHouseObjects;
  readonly objectsDir: string;
  /** Archives all that the log holds. */
  archiveAll(): Promise<void>;
  /**
   * Runs rollups and backfills until something holds; fails when it never does.
   *
   * @param afterInsert Waited for behind each INSERT into the hot store.
   */
  backfillUntil(holds: () => Promise<boolean>, afterInsert?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const POLL_MS = 50;
const WITHIN_MS = 30_000;

export async function openBackfillWorld(): Promise<BackfillWorld> {
  const [stream, objectsDir] = await Promise.all([openStreamWorld(), createTestObjectsDir()]);
  const { db, clickhouse, reader } = stream;
  const clickhouseObjects = createFolderObjects(objectsDir);
  const stretches = new StretchEncoder();
  const encoder: ObjectEncoder = { encode: async (stretch) => stretches.encode(stretch) };
  const stores = {
    encoder,
    objects: createFolderObjectStore(objectsDir),
    index: createClickHouseEventIndex(clickhouse, clickhouseObjects),
    manifest: createPostgresManifest(db, TOPIC),
  };
  return {
    stream,
    clickhouseObjects,
    objectsDir,
    async archiveAll() {
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        await archiveToEnd(reader, partition, { limits: WIDE, stores });
      }
    },
    async backfillUntil(holds, afterInsert = async () => {}) {
      const stopping = new AbortController();
      const failures: unknown[] = [];
      const observer: BackfillObserver = {
        healed: () => {},
        open: () => {},
        rolledUp: () => {},
        failed: (_step, error) => failures.push(error),
      };
      const leases = testLeases(db, {
        name: "backfill",
        log: { topic: TOPIC, partitionCount: 1 },
      });
      const settings = {
        allowedLatenessMs: ALLOWED_LATENESS_MS,
        restMs: POLL_MS,
        pollIntervalMs: POLL_MS,
      };
      const signals = { stopping: stopping.signal, deadline: new AbortController().signal };
      const running = composeBackfill(
        {
          ...{ log: reader, db, objects: clickhouseObjects, observer, leases, settings },
          clickhouse: lookedAt(clickhouse, afterInsert),
        },
        signals,
      );
      const untilMs = performance.now() + WITHIN_MS;
      while (!(await holds()) && performance.now() < untilMs) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      stopping.abort();
      await running;
      if (!(await holds())) throw new Error("no backfill came to it", { cause: failures.at(-1) });
    },
    close: () => stream.close(),
  };
}

/** The same client, whose inserts are followed by a look. */
function lookedAt(client: ClickHouseClient, afterInsert: () => Promise<void>): ClickHouseClient {
  const insert: ClickHouseClient["insert"] = async (params) => {
    const result = await client.insert(params);
    await afterInsert();
    return result;
  };
  return new Proxy(client, {
    get(target, name) {
      if (name === "insert") return insert;
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
