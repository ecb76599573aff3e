import type { ObjectsSettings } from "@trueclick/archive/objectsSettings";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { startTestS3 } from "@trueclick/local-stack/testing";
import { dayOf } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { afterAll, describe, expect, it } from "vitest";
import { JobRefusedError } from "./ports/jobQueue.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const { s3, missing } = await startTestS3();
afterAll(() => s3?.drop());

const DAY = dayOf(NOON_MS, "UTC");

async function withWorld<Result>(
  objects: ObjectsSettings | undefined,
  use: (world: BatchWorld) => Promise<Result>,
): Promise<Result> {
  const world = await openBatchWorld(objects);
  try {
    const campaigns = [{ id: "cmp_1", rates: [[0, 100n]] as const }];
    await world.addAdvertiser("adv_1", { timeZone: "UTC", campaigns });
    const clicks = Array.from({ length: 40 }, (_, at) =>
      storedEvent({
        event_id: `evt-${String(at % 30).padStart(5, "0")}`,
        event_time: NOON_MS - (at % 3) * HOUR_MS,
      }),
    );
    await world.archive.append(clicks);
    await world.archive.archiveAll();
    return await use(world);
  } finally {
    await world.close();
  }
}

async function counted(world: BatchWorld) {
  expect(await world.recount("adv_1", DAY)).toBe("published");
  expect(await world.archive.check()).toMatchObject({ rows: 40n, problems: [] });
  return world.current("adv_1", DAY);
}

describe.skipIf(s3 === null)(`an archive in a bucket${missing ?? ""}`, () => {
  if (s3 === null) return;
  const bucket: ObjectsSettings = { kind: "s3", ...s3, pathStyle: true };

  // I5. Where the objects lie is no input of truth.
  it("gives the truth that the same archive in a folder gives, by the same hashes", async () => {
    const inBucket = await withWorld(bucket, counted);
    const inFolder = await withWorld(undefined, counted);
    expect(inBucket?.contentHash).toBe(inFolder?.contentHash);
    expect(inBucket?.inputsHash).toBe(inFolder?.inputsHash);
    expect(inBucket?.lines).toEqual(inFolder?.lines);
  });

  it("stops a job at an object that is gone, names it, and publishes nothing", async () => {
    await withWorld(bucket, async (world) => {
      const { objects } = world.archive;
      const paths: string[] = [];
      for await (const path of objects.list("raw/")) paths.push(path);
      const [gone = "none"] = paths;
      await objects.remove(gone);
      await expect(world.recount("adv_1", DAY)).rejects.toThrow(JobRefusedError);
      expect(await world.current("adv_1", DAY)).toBeNull();
      expect((await world.archive.check()).problems).toMatchObject([
        { kind: "object_missing", detail: `${gone} is missing` },
      ]);
    });
  });

  // The statement that reads the bucket goes into the engine's log of queries.
  it("has the bucket's key in no statement", async () => {
    await withWorld(bucket, async ({ archive }) => {
      const rows = archive.clickhouseObjects.rowsOf(["raw/a.parquet"]);
      expect(rows).not.toContain(s3.secretAccessKey);
      expect(rows).not.toContain(s3.accessKeyId);
    });
  });
});
