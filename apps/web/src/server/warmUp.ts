import { warmReports } from "@trueclick/db/queries/warmReports";
import { compose } from "./stores.ts";

/** What one report, and whoever asks beside it, takes at once. */
const CONNECTIONS_WARM = 6;
/** A database that is slow or down keeps nobody from being told so. */
const WARM_UP_MS_MAX = 2_000;

/**
 * Opens connections and prepares statements, so that the first to ask does not wait for them. Without
 * settings or a database it does nothing: each request says what is wrong.
 */
export async function warmUp(): Promise<void> {
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, WARM_UP_MS_MAX);
  try {
    await Promise.race([warmReports(compose().stores, CONNECTIONS_WARM), enough]);
  } catch {
    // Whoever asks is told.
  } finally {
    clearTimeout(timer);
  }
}
