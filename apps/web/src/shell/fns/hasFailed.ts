/** The part of a query's state that tells whether there is anything to show. */
interface QueryState {
  readonly data: unknown;
  readonly errorUpdateCount: number;
}

/**
 * Whether a query has failed and has nothing to show. Stays so while it is being tried again, so
 * that the page does not flicker between a message and a skeleton.
 */
export function hasFailed({ data, errorUpdateCount }: QueryState): boolean {
  return data === undefined && errorUpdateCount > 0;
}
