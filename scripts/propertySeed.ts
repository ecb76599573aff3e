/**
 * Set-up of every test file: what property tests draw follows from one seed and the test's own name,
 * so that the same code passes or fails alike each time it is tested. Chance looks for new cases in
 * `npm run soak:properties`, where what it finds holds up nobody (decision 146).
 */
import { hash } from "node:crypto";
import fc from "fast-check";
import { beforeEach } from "vitest";

/** Where `PROPERTY_SEED` says nothing. */
const SEED_DEFAULT = 20_261_126;

/**
 * The seed of one test, by its file and its name: a signed integer of 32 bits. With one seed for all of them, the cases of a
 * table would all be tried with the same draws.
 */
export function seedOf(testName: string, propertySeed: number): number {
  return hash("sha256", `${propertySeed} ${testName}`, "buffer").readInt32BE();
}

/** @throws {RangeError} if `PROPERTY_SEED` is no integer: a typing error would test the usual draws. */
export function readPropertySeed(text: string | undefined): number {
  if (text === undefined || text === "") return SEED_DEFAULT;
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`PROPERTY_SEED=${text} is no integer`);
  return seed;
}

const propertySeed = readPropertySeed(process.env["PROPERTY_SEED"]);

beforeEach(({ task }) => {
  const seed = seedOf(task.fullName, propertySeed);
  // Reports show the message alone: it has to say what was expected, beside what was drawn.
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed, includeErrorInReport: true });
});
