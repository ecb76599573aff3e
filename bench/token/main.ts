/**
 * P3: what it costs to verify a click token. Ours is the whole: MAC, decoding, expiry. The peer
 * computes and compares the MAC with `node:crypto` and a `KeyObject`, and decodes nothing; a second
 * one also decodes the claims and looks at the expiry, as a program on top of it would.
 *
 * Time is the process's own on the processor, so that neighbours on the machine matter less.
 */
import { createHmac, createSecretKey, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { TokenKeyring } from "@trueclick/shared/token/click";
import { type Contestant, compete } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";

const TOKENS = 20_000;
const PASSES = 8;
const MAC_LENGTH = 43;
const NOW_MS = Date.UTC(2026, 5, 1, 12);
const NOW_S = NOW_MS / 1_000;

const secret = randomBytes(32);
const keyObject = createSecretKey(secret);
const keyring = new TokenKeyring(new Map([["2026-06", secret]]));

/** Tokens as they come from the wire, each string whole. Of so many ads in turn. */
function tokensOf(ads: number): string[] {
  return Array.from({ length: TOKENS }, (_, index) => {
    const ad = index % ads;
    const token = keyring.mint(
      {
        issuer: "adserver",
        campaignId: `cmp_${ad % 97}`,
        adId: `ad_${ad}`,
        publisherId: `pub_${ad % 11}`,
        impressionId: randomUUID(),
        issuedAtS: NOW_S - 60,
        expiresAtS: NOW_S + 3_600,
        landingUrl: `https://shop.example/item-${ad}?utm_source=trueclick&utm_campaign=spring`,
      },
      "2026-06",
    );
    return Buffer.from(token).toString("latin1");
  });
}

function isGenuine(token: string): boolean {
  const macStart = token.length - MAC_LENGTH;
  const headEnd = token.indexOf(".", token.indexOf(".", 3) + 1) + 1;
  const hmac = createHmac("sha256", keyObject);
  // The format puts zeros behind the beginning; over them the peer hashes as many bytes as we do.
  hmac.update(token.slice(0, headEnd).padEnd(Math.ceil(headEnd / 64) * 64, "\0"));
  const mac = hmac.update(token.slice(headEnd, macStart - 1)).digest();
  return timingSafeEqual(mac, Buffer.from(token.slice(macStart), "base64url"));
}

/** The peer at its fastest: one update over the token's own bytes. Its answer is thrown away. */
function macsBare(token: string): boolean {
  const macStart = token.length - MAC_LENGTH;
  const mac = createHmac("sha256", keyObject)
    .update(token.slice(0, macStart - 1))
    .digest();
  timingSafeEqual(mac, Buffer.from(token.slice(macStart), "base64url"));
  return true;
}

function isGenuineAndDecoded(token: string): boolean {
  const [, , ad = "", rest = ""] = token.split(".");
  if (!isGenuine(token)) return false;
  const claims: unknown = JSON.parse(Buffer.from(ad, "base64url").toString());
  return Array.isArray(claims) && Number.parseInt(rest.slice(8, 16), 16) > NOW_S;
}

function contestant(name: string, tokens: string[], verifies: (token: string) => boolean) {
  const run = async () => {
    const started = process.cpuUsage();
    for (let pass = 0; pass < PASSES; pass += 1) {
      for (const token of tokens) if (!verifies(token)) throw new Error(`${name}: ${token}`);
    }
    const { user, system } = process.cpuUsage(started);
    return { tokens_per_cpu_s: (TOKENS * PASSES * 1e6) / (user + system) };
  };
  return { name, run } satisfies Contestant;
}

const verifies = (token: string) => keyring.verify(token, NOW_MS).kind === "ok";
const [few, many, endless] = [tokensOf(100), tokensOf(1_000), tokensOf(TOKENS)];
for (const token of [...few, ...many]) if (!isGenuine(token)) throw new Error("The peers differ");

const rounds = { rounds: 9, warmups: 2 };
const standings = await compete(
  [
    contestant("whole token, 100 ads", few, verifies),
    contestant("whole token, 1,000 ads", many, verifies),
    contestant("node:crypto, decoded too", few, isGenuineAndDecoded),
    contestant("node:crypto, MAC alone", few, macsBare),
  ],
  rounds,
);
const table = resultTable(standings, ["tokens_per_cpu_s"], "node:crypto, MAC alone");
process.stdout.write(`${provenance()}\n\n${table}\n`);

// Apart: what it makes the compiler expect is not what a server sees.
const cold = await compete(
  [
    contestant("whole token, every ad a new one", endless, verifies),
    contestant("node:crypto, decoded too", endless, isGenuineAndDecoded),
  ],
  rounds,
);
process.stdout.write(`\n${resultTable(cold, ["tokens_per_cpu_s"], "node:crypto, decoded too")}\n`);
