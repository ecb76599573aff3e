import type { LogRange } from "@trueclick/archive/domain/manifestAudit";
import { type ArchiveReport, checkArchive } from "@trueclick/archive/manifest/checkArchive";
import { createPostgresManifestReader } from "@trueclick/archive/manifest/postgresManifestReader";
import { LogUnavailableError, UnknownTopicError } from "@trueclick/event-log";
import { logRanges } from "../stack/endOffsets.ts";
import { openEventLog, openStackObjects, withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { StackFile } from "../stack/stackFile.ts";
import { type CliContext, EXIT_DONE, EXIT_FAILED, type VerbResult } from "../terminal/context.ts";
import { createProgress } from "../terminal/progress.ts";

export interface ArchiveCheckOptions {
  readonly depth: "sizes" | "hashes";
  readonly removeOrphans: boolean;
}

/** Proves that the archive is whole; names each defect and then ends with exit code 1. */
export async function archiveCheck(
  context: CliContext,
  { depth, removeOrphans }: ArchiveCheckOptions,
): Promise<VerbResult> {
  const stack = await resolveStack(context);
  const { store } = openStackObjects(stack);
  return withStores(stack, async ({ db }) => {
    const log = await askLog(stack);
    const progress = createProgress(context.stderr);
    const report = await checkArchive(createPostgresManifestReader(db, stack.eventsTopic), store, {
      depth,
      log: log ?? [],
      signal: context.stop,
      onProgress: ({ objects, objectsInAll }) =>
        progress.show(objects / objectsInAll, `${objects} of ${objectsInAll} objects`),
    }).finally(() => progress.clear());
    if (removeOrphans) for (const path of report.orphans) await store.remove(path);
    return {
      text: toText(report, removeOrphans, log !== null),
      json: { ...toJson(report, removeOrphans), log_asked: log !== null },
      exitCode: report.problems.length === 0 ? EXIT_DONE : EXIT_FAILED,
    };
  });
}

/** What the log holds now; null where it does not answer, and nothing of a topic that was never made. */
async function askLog(stack: StackFile): Promise<readonly LogRange[] | null> {
  try {
    return await logRanges(openEventLog(stack), stack.eventsTopic);
  } catch (error) {
    if (error instanceof UnknownTopicError) return [];
    if (error instanceof LogUnavailableError) return null;
    throw error;
  }
}

function toText(report: ArchiveReport, isRemoved: boolean, isLogAsked: boolean): string {
  const { stretches, objects, rows, bytes, kept, orphans, problems } = report;
  const perRow = rows === 0n ? "" : `, ${(Number(bytes) / Number(rows)).toFixed(0)} bytes an event`;
  return [
    `${rows} events of ${stretches} stretches in ${objects} objects, ${bytes} bytes${perRow}`,
    ...(kept === 0 ? [] : [`${kept} objects were compacted into others and are kept`]),
    ...(isLogAsked
      ? []
      : ["The log does not answer: partitions that were never archived are not looked for."]),
    ...orphans.map((path) => `orphan  ${path}${isRemoved ? " (removed)" : ""}`),
    ...problems.map(({ kind, partition, detail }) => `${kind}  partition ${partition}: ${detail}`),
    problems.length === 0 ? "The archive is whole." : `${problems.length} defects.`,
  ].join("\n");
}

function toJson(report: ArchiveReport, isRemoved: boolean) {
  const { problems, orphans, ...counts } = report;
  return {
    whole: problems.length === 0,
    ...counts,
    problems,
    orphans,
    orphans_removed: isRemoved ? orphans.length : 0,
  };
}
