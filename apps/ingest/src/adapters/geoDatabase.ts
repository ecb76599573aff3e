import { readFile, stat } from "node:fs/promises";
import { type CountryResponse, Reader } from "mmdb-lib";

export interface GeoDatabase {
  /** Two letters of ISO 3166-1, upper case; null where the database does not say. */
  findCountry(ip: string): string | null;
  /** Reads the file again if it has changed. Never throws: the former one goes on. */
  refresh(): Promise<void>;
  close(): void;
}

export interface GeoSettings {
  /** Of a file in MaxMind's format: GeoLite2 Country or City, DB-IP, IPinfo's and others. */
  readonly path: string;
  /** How often the file is looked at, milliseconds. It should be put in place by a rename. */
  readonly refreshMs: number;
  /** Told of a changed file that can't be read. */
  readonly onFault: (error: unknown) => void;
}

/** @throws if the file is not there or not in MaxMind's format: better no start than no countries. */
export async function openGeoDatabase(settings: GeoSettings): Promise<GeoDatabase> {
  const { path, refreshMs, onFault } = settings;
  let stamp = await stampOf(path);
  let reader = await read(path);

  const refresh = async () => {
    try {
      const now = await stampOf(path);
      if (now === stamp) return;
      reader = await read(path);
      stamp = now;
    } catch (error) {
      onFault(error);
    }
  };
  const timer = setInterval(() => void refresh(), refreshMs).unref();
  return {
    findCountry(ip) {
      try {
        const found = reader.get(ip);
        return (found?.country ?? found?.registered_country)?.iso_code?.toUpperCase() ?? null;
      } catch {
        // An IPv6 address in a database of IPv4, or a damaged record: nobody's click is lost by it.
        return null;
      }
    },
    refresh,
    close: () => clearInterval(timer),
  };
}

async function read(path: string): Promise<Reader<CountryResponse>> {
  return new Reader<CountryResponse>(await readFile(path));
}

/** Another file has another one: a rename changes the inode, a rewrite the time. */
async function stampOf(path: string): Promise<string> {
  const { ino, mtimeMs, size } = await stat(path);
  return `${ino} ${mtimeMs} ${size}`;
}
