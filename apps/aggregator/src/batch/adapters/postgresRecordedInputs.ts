/** The inputs of a job that has ended, as it wrote them down, with objects as they lie in the archive now. */
import { parseObjectPath } from "@trueclick/archive/domain/objectPath";
import type { Database } from "@trueclick/db/postgres/database";
import { batchJobObjects } from "@trueclick/db/postgres/schema/truth";
import { eq } from "drizzle-orm";
import { type Canonical, canonicalJson } from "../domain/canonicalJson.ts";
import {
  inputsJson,
  type ObjectIdentity,
  type PinnedInputs,
  type PinnedObject,
} from "../domain/inputs.ts";
import type { FoundInputs } from "../ports/verifications.ts";
import { resolveObjects } from "./postgresInputsStore.ts";
import { parseRecordedInputs } from "./recordedInputs.ts";

/** Text where the inputs cannot be read back, which says why. */
export async function readRecordedInputs(
  db: Pick<Database, "select">,
  topic: string,
  jobId: bigint,
  recorded: Canonical,
): Promise<FoundInputs | string> {
  const parsed = parseRecordedInputs(recorded);
  if (parsed === null) return "what the job wrote down of its inputs is not known to this program";
  const pinned = await db
    .select({
      path: batchJobObjects.path,
      sha256: batchJobObjects.sha256,
      rows: batchJobObjects.rows,
    })
    .from(batchJobObjects)
    .where(eq(batchJobObjects.jobId, jobId));
  const { judgedBy, followingMs, copies, preceding } = parsed;
  const isFollowing = ({ path }: ObjectIdentity) =>
    parseObjectPath(path)?.eventHourMs === followingMs;
  const named = pinned.map((object) => ({ ...object, rows: Number(object.rows) }));
  const groups = {
    objects: named.filter((object) => !isFollowing(object)),
    following: named.filter(isFollowing),
    copies,
    preceding,
  };
  const now = {
    objects: await asTheyLie(db, topic, groups.objects),
    following: await asTheyLie(db, topic, groups.following),
    copies: await asTheyLie(db, topic, copies),
    preceding: await asTheyLie(db, topic, preceding),
  };
  const inputs = {
    ...judgedBy,
    objects: now.objects.found,
    following: now.following.found,
    copies: now.copies.found,
    preceding: now.preceding.found,
  };
  if (!isReadBack(recorded, inputs)) {
    return "what the job wrote down of its inputs is read in another way by this program";
  }
  return { inputs, mixed: Object.values(now).flatMap(({ mixed }) => mixed) };
}

/** Objects of today that hold the events of the named ones. */
async function asTheyLie(
  db: Pick<Database, "select">,
  topic: string,
  named: readonly ObjectIdentity[],
): Promise<{ readonly found: readonly PinnedObject[]; readonly mixed: readonly string[] }> {
  const found = await resolveObjects(
    db,
    topic,
    named.map(({ path }) => path),
  );
  const mixed = found.filter(({ rows, sources }) => {
    return sources !== undefined && rows !== sources.reduce((sum, { rows: own }) => sum + own, 0);
  });
  return { found, mixed: mixed.map(({ path }) => path) };
}

/** Whether the inputs say what was written down. What conversions are credited by is not part of them. */
function isReadBack(recorded: Canonical, inputs: PinnedInputs): boolean {
  const { attribution: _, ...judgedBy } = Object(recorded);
  return canonicalJson(inputsJson(inputs)) === canonicalJson(judgedBy);
}
