/** Secrets of a data folder: made at the first start, the same ever after. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { DataDir } from "../stack/dataDir.ts";
import { writePrivateFile } from "../stack/files.ts";
import { readJsonFile } from "../stack/stackFile.ts";

const SECRET_BYTES = 32;
/** Short enough to be typed at a sign-in page, 80 bits. */
const PASSWORD_BYTES = 10;

const secret = (prefix = "") =>
  z
    .string()
    .min(1)
    .default(() => `${prefix}${randomBytes(SECRET_BYTES).toString("base64url")}`);
const password = () =>
  z
    .string()
    .min(1)
    .default(() => randomBytes(PASSWORD_BYTES).toString("base64url"));

const secretsSchema = z.object({
  postgresPassword: secret(),
  clickhousePassword: secret(),
  betterAuthSecret: secret(),
  /** Hex: key of the hash that stands for a user's address. */
  ipHashKey: z
    .string()
    .min(1)
    .default(() => randomBytes(SECRET_BYTES).toString("hex")),
  /** Base64: key of the click tokens' signatures. */
  tokenKey: z
    .base64()
    .min(1)
    .default(() => randomBytes(SECRET_BYTES).toString("base64")),
  demoSourceKey: secret("tcs_"),
  demoApiKeys: z
    .object({
      engineer: secret("tca_"),
      accountManager: secret("tca_"),
      advertiser: secret("tca_"),
    })
    .prefault({}),
  demoPasswords: z
    .object({ engineer: password(), accountManager: password(), advertiser: password() })
    .prefault({}),
});
export type Secrets = z.infer<typeof secretsSchema>;

/**
 * Reads the secrets, making those that are not there yet. They are on disk before anyone uses them:
 * a password set in a database and lost in a crash would lock us out of our own data.
 */
export async function loadSecrets(data: DataDir): Promise<Secrets> {
  const noted = await readJsonFile(data.file("secrets"), z.record(z.string(), z.unknown()));
  const secrets = secretsSchema.parse(noted ?? {});
  const text = `${JSON.stringify(secrets, null, 2)}\n`;
  if (text !== `${JSON.stringify(noted, null, 2)}\n`) {
    await writePrivateFile(data.file("secrets"), text);
  }
  return secrets;
}
