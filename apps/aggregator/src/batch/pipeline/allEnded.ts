/**
 * Like `Promise.all`, but ends once all have: when it fails, none of them is at work any more.
 *
 * @throws what the first in the list throws that fails.
 */
export async function allEnded<Works extends readonly Promise<unknown>[]>(
  works: readonly [...Works],
): Promise<{ -readonly [At in keyof Works]: Awaited<Works[At]> }> {
  const ends = await Promise.allSettled(works);
  const failed = ends.find((end): end is PromiseRejectedResult => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return Promise.all(works);
}
