/** Sets of users that are united at once. */
export interface UsersUnion {
  readonly campaignIds: readonly string[];
  /** Of the hashes of users, those with this remainder by `parts`. */
  readonly part: number;
  readonly parts: number;
}

/** Members of sets in one union: some 100 MB, of lists that grow by doubling and are then sorted. */
const MEMBERS_MAX = 4_000_000;

/**
 * Cuts the sets of a day's campaigns into unions that each fit into memory: several campaigns in one, or
 * one in several.
 *
 * @param lines `members` is how many all sets of the campaign have, one after the other.
 */
export function planUnions(
  lines: readonly { readonly campaignId: string; readonly members: number }[],
  membersMax = MEMBERS_MAX,
): UsersUnion[] {
  const unions: UsersUnion[] = [];
  let together: string[] = [];
  let members = 0;
  const close = () => {
    if (together.length > 0) unions.push({ campaignIds: together, part: 0, parts: 1 });
    [together, members] = [[], 0];
  };
  for (const line of lines) {
    if (line.members > membersMax) {
      const parts = Math.ceil(line.members / membersMax);
      const own = Array.from({ length: parts }, (_, part) => {
        return { campaignIds: [line.campaignId], part, parts };
      });
      unions.push(...own);
      continue;
    }
    if (members + line.members > membersMax) close();
    if (line.members > 0) together.push(line.campaignId);
    members += line.members;
  }
  close();
  return unions;
}
