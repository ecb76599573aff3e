import { parseEnvelope } from "@trueclick/shared/event/envelope";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { expect, it } from "vitest";
import { click } from "../testing/click.ts";
import { judgeToken } from "./clickTokens.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const id = sourceIdSchema.parse("src_1");

// Nobody to ask is no reason to call a token good, nor to refuse those who never had to send one.
it.each([
  [false, []],
  [true, ["token_bad"]],
])("without keys, judges only where a token is required (%s)", (requireToken, flags) => {
  const context = { ingestTimeMs: NOW_MS, sourceId: id, sha256Hex: () => "" };
  const parsed = parseEnvelope(click(NOW_MS, { token: "t1.k1.x.y" }), context);
  if (!parsed.ok) throw new Error(parsed.message);
  const source = { id, speaksForUsers: false, requireToken };
  const judged = judgeToken(parsed.event, { source, ingestTimeMs: NOW_MS, verifyToken: null });
  expect(judged).toEqual({ flags, claims: null });
});
