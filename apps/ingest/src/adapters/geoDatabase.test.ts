import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { mmdbOf } from "../testing/mmdb.ts";
import { type GeoDatabase, openGeoDatabase } from "./geoDatabase.ts";

let folder: string;
let faults: unknown[];
let geo: GeoDatabase | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trueclick-geo-"));
  faults = [];
});
afterEach(async () => {
  geo?.close();
  geo = undefined;
  await rm(folder, { recursive: true, force: true });
});

const path = () => join(folder, "country.mmdb");
async function open(countries: Readonly<Record<string, string>>): Promise<GeoDatabase> {
  await writeFile(path(), mmdbOf(countries));
  const onFault = (error: unknown) => faults.push(error);
  geo = await openGeoDatabase({ path: path(), refreshMs: 3_600_000, onFault });
  return geo;
}

it("finds the country of an address, and none where the database does not say", async () => {
  const { findCountry } = await open({ "192.0.2": "NL", "198.51.100": "jp" });
  const addresses = ["192.0.2.1", "192.0.2.255", "198.51.100.7", "203.0.113.1", "2001:db8::1", "x"];
  expect(addresses.map(findCountry)).toEqual(["NL", "NL", "JP", null, null, null]);
});

it("takes up another file while it runs, and keeps the former one when that is no database", async () => {
  const { findCountry, refresh } = await open({ "192.0.2": "NL" });
  await writeFile(join(folder, "next"), mmdbOf({ "192.0.2": "FR" }));
  await rename(join(folder, "next"), path());
  await refresh();
  expect(findCountry("192.0.2.1")).toBe("FR");
  await writeFile(path(), "half a downl");
  await refresh();
  expect([findCountry("192.0.2.1"), faults.length]).toEqual(["FR", 1]);
  await rm(path());
  await refresh();
  expect([findCountry("192.0.2.1"), faults.length]).toEqual(["FR", 2]);
});

it("does not open what is no database", async () => {
  await writeFile(path(), "no database");
  const onFault = () => {};
  await expect(openGeoDatabase({ path: path(), refreshMs: 1_000, onFault })).rejects.toThrow();
});
