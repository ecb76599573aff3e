/**
 * Waits no longer than it says; the work itself goes on, and its outcome is not heard any more.
 *
 * @throws what `late` makes, when the time is over.
 */
export async function withTimeout<Value>(
  work: Promise<Value>,
  timeoutMs: number,
  late: (message: string) => Error = (message) => new Error(message),
): Promise<Value> {
  const { promise: deadline, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late(`No answer in ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
