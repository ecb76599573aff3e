import { hash } from "node:crypto";
import { type ArchiveProblem, ManifestAudit } from "../domain/manifestAudit.ts";
import type { ObjectStore } from "../objectStore.ts";
import type { ManifestReader, PartitionObject } from "./manifestReader.ts";

export interface ArchiveReport {
  readonly stretches: number;
  readonly objects: number;
  readonly rows: bigint;
  readonly bytes: bigint;
  /** At most `PROBLEMS_MAX`; empty when the archive is whole. */
  readonly problems: readonly ArchiveProblem[];
}

/** Past this many the archive needs more than a list. */
const PROBLEMS_MAX = 1_000;

/**
 * Proves that an archive is whole: ranges gapless and without overlap, rows adding up to the
 * events, every object there with the bytes it was stored with.
 *
 * @param depth `hashes` reads every object; `sizes` only asks for their sizes.
 */
export async function checkArchive(
  manifest: ManifestReader,
  objects: ObjectStore,
  depth: "sizes" | "hashes",
): Promise<ArchiveReport> {
  const problems: ArchiveProblem[] = [];
  const report = { stretches: 0, objects: 0, rows: 0n, bytes: 0n };
  const note = (found: readonly ArchiveProblem[]) => {
    problems.push(...found.slice(0, PROBLEMS_MAX - problems.length));
  };

  // Checkpoints first: what is archived while this runs then comes after them, never before.
  const checkpoints = await manifest.checkpoints();
  const ends = new Map(checkpoints.map(({ partition, nextOffset }) => [partition, nextOffset]));
  const audit = new ManifestAudit();
  for await (const stretch of manifest.stretches()) {
    const end = ends.get(stretch.partition);
    if (end !== undefined && stretch.firstOffset >= end) continue;
    note(audit.add(stretch));
    report.stretches += 1;
  }
  for (const { partition, nextOffset } of checkpoints) note(audit.finish(partition, nextOffset));

  for await (const object of manifest.objects()) {
    note(await checkObject(objects, object, depth));
    report.objects += 1;
    report.rows += BigInt(object.rows);
    report.bytes += BigInt(object.bytes);
  }
  return { ...report, problems };
}

async function checkObject(
  objects: ObjectStore,
  object: PartitionObject,
  depth: "sizes" | "hashes",
): Promise<ArchiveProblem[]> {
  const { path, partition } = object;
  if (!object.hasStretch) {
    return [{ kind: "object_without_stretch", partition, detail: `${path} has no stretch` }];
  }
  const stat = await objects.stat(path);
  if (stat === null) return [{ kind: "object_missing", partition, detail: `${path} is missing` }];
  if (stat.bytes !== object.bytes) {
    const detail = `${path} has ${stat.bytes} bytes, the manifest says ${object.bytes}`;
    return [{ kind: "object_differs", partition, detail }];
  }
  if (depth === "sizes") return [];
  const bytes = await objects.get(path);
  const sha256 = bytes === null ? "none" : hash("sha256", bytes);
  if (sha256 === object.sha256) return [];
  const detail = `${path} has sha256 ${sha256}, the manifest says ${object.sha256}`;
  return [{ kind: "object_differs", partition, detail }];
}
