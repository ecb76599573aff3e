/** The inputs of a job that has ended, as it wrote them down, with its objects or what holds their events now. */
import { parseObjectPath } from "@trueclick/archive/domain/objectPath";
import type { Database } from "@trueclick/db/postgres/database";
import { batchJobObjects } from "@trueclick/db/postgres/schema/truth";
import { eq } from "drizzle-orm";
import { type Canonical, canonicalJson } from "../domain/canonicalJson.ts";
import { inputsJson, type ObjectIdentity } from "../domain/inputs.ts";
import type { FoundInputs } from "../ports/verifications.ts";
import { findKeptObjects } from "./postgresKeptObjects.ts";
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
  const { judgedBy, followingMs, copies, preceding, attribution } = parsed;
  const isFollowing = ({ path }: ObjectIdentity) =>
    parseObjectPath(path)?.eventHourMs === followingMs;
  const named = pinned.map((object) => ({ ...object, rows: Number(object.rows) }));
  const groups = {
    objects: named.filter((object) => !isFollowing(object)),
    following: named.filter(isFollowing),
    copies,
    preceding,
  };
  const kept = await findKeptObjects(db, topic, Object.values(groups).flat());
  const inputs = {
    ...judgedBy,
    objects: kept.of(groups.objects),
    following: kept.of(groups.following),
    copies: kept.of(groups.copies),
    preceding: kept.of(groups.preceding),
  };
  const all = attribution === null ? inputs : { ...inputs, attribution };
  if (canonicalJson(inputsJson(all)) !== canonicalJson(recorded)) {
    return "what the job wrote down of its inputs is read in another way by this program";
  }
  const { mixed, compacted } = kept;
  return { inputs, attribution, mixed, compacted };
}
