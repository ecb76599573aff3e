import {
  LogRejectedError,
  LogUnavailableError,
  OffsetOutOfRangeError,
  UnknownTopicError,
} from "../port.ts";

const TOO_LARGE_TYPES: readonly unknown[] = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"];
/** kafkajs wraps what went wrong in what it tried, a few times at most. */
const CAUSES_MAX = 8;

/**
 * Whether Kafka answered with one of these errors, by the names of its protocol, at any depth of
 * kafkajs's wrapping.
 */
export function hasKafkaErrorType(error: unknown, ...types: readonly unknown[]): boolean {
  let cause = error;
  for (let depth = 0; depth < CAUSES_MAX && cause instanceof Error; depth += 1) {
    if ("type" in cause && types.includes(cause.type)) return true;
    cause = cause.cause;
  }
  return false;
}

/**
 * Puts an error of kafkajs into the port's words. What does not say something lasting about the
 * records counts as passing, a topic gone missing included: a broker that has just started knows none,
 * and giving up on an event is worse than trying again.
 */
export function toLogFault(cause: unknown): Error {
  if (isOurs(cause)) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (hasKafkaErrorType(cause, ...TOO_LARGE_TYPES)) {
    return new LogRejectedError(`Kafka refuses the records: ${message}`, { cause });
  }
  return new LogUnavailableError(`Kafka is not available: ${message}`, { cause });
}

function isOurs(error: unknown): error is Error {
  return (
    error instanceof LogRejectedError ||
    error instanceof LogUnavailableError ||
    error instanceof OffsetOutOfRangeError ||
    error instanceof UnknownTopicError ||
    error instanceof RangeError
  );
}

/**
 * Gives up waiting after a while; the work itself goes on.
 *
 * @throws {LogUnavailableError} after `timeoutMs`.
 */
export async function withDeadline<Result>(
  timeoutMs: number,
  work: Promise<Result>,
): Promise<Result> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeout.reject(new LogUnavailableError(`Kafka took more than ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
