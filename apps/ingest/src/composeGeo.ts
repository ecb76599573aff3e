import type { Logger } from "pino";
import { openGeoDatabase } from "./adapters/geoDatabase.ts";
import type { Env } from "./env.ts";

/** Databases come once a week or so; a minute is soon enough. */
const REFRESH_MS = 60_000;

/** Countries by the file that is set, if one is. @throws if it can't be read. */
export async function composeGeo(
  { GEO_DATABASE: path }: Env,
  logger: Logger,
): Promise<(ip: string) => string | null> {
  if (path === undefined) return () => null;
  const geo = await openGeoDatabase({
    path,
    refreshMs: REFRESH_MS,
    onFault: (error) => logger.warn({ err: error }, "the database of countries cannot be read"),
  });
  return geo.findCountry;
}
