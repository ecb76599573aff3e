/**
 * How many partitions a member may hold. Every member that sees the same members comes to the same
 * answer, the shares add up to all partitions, and no two differ by more than one. So a member that
 * joins takes over no more than its share, and all else stays where it is.
 *
 * @param members Ids of all that are alive. One that is not among them holds nothing.
 */
export function fairShare(
  members: readonly string[],
  member: string,
  partitionCount: number,
): number {
  const place = members.toSorted().indexOf(member);
  if (place === -1) return 0;
  const rest = partitionCount % members.length;
  return Math.floor(partitionCount / members.length) + (place < rest ? 1 : 0);
}
