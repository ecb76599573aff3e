import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { click } from "./testing/click.ts";
import { clickClaims, mintFor } from "./testing/clickToken.ts";
import {
  allowConnections,
  createEdgeWorld,
  type EdgeWorld,
  readiness,
  SOURCE_KEY,
} from "./testing/edgeOnPostgres.ts";

const WAIT = { timeout: 120_000, interval: 50 };
const SECRET = Buffer.from("a secret of click tokens");
/** Each of them is somebody's, and must not be found in a log. */
const PERSONAL = {
  ip: "203.0.113.77",
  user_agent: "Personal-Browser/7.7",
  user_id: "user-who-is-somebody",
};

let world: EdgeWorld;
beforeEach(async () => {
  world = await createEdgeWorld({
    TOKEN_KEYS: JSON.stringify({ k1: SECRET.toString("base64") }),
    LOG_LEVEL: "trace",
  });
});
afterEach(() => world.end());

it("logs nothing that is personal or secret, whatever is sent and whatever fails", async () => {
  const edge = await world.start();
  await expect.poll(async () => (await readiness(edge)).status, WAIT).toBe(200);
  const token = mintFor(clickClaims(Date.now()), SECRET);
  const headers = {
    authorization: `Bearer ${SOURCE_KEY}`,
    "content-type": "application/json",
    "user-agent": PERSONAL.user_agent,
  };
  const post = async (body: string, key = headers.authorization) => {
    const sent = { ...headers, authorization: key };
    const response = await fetch(`${edge.url}/v1/events`, { method: "POST", headers: sent, body });
    await response.body?.cancel();
    return response.status;
  };
  const good = JSON.stringify(click(Date.now(), { ...PERSONAL, token }));
  const follow = async (path: string) => {
    const response = await fetch(`${edge.url}/c/${path}`, { redirect: "manual", headers });
    await response.body?.cancel();
  };
  const hostile = async () => {
    await post(good);
    await post(good.replace('"click"', '"clack"'));
    await post(good.slice(0, -9));
    await post(good, "Bearer another-secret-key");
    await follow(token);
    await follow(`${token}x`);
    await follow("A".repeat(9_000));
    const socket = connect(Number(new URL(edge.url).port), "127.0.0.1");
    socket.write(`GET /${PERSONAL.user_id} HTTP/1.1\r\nX: ${PERSONAL.ip}\0\r\n\r\n`);
    await text(socket);
  };
  await hostile();
  await allowConnections(world.database.url, false);
  await expect.poll(() => post(good), WAIT).toBe(503);
  await hostile();
  await allowConnections(world.database.url, true);
  await expect.poll(() => post(good), WAIT).toBe(202);

  // There were things to say, and they were said; lines come through a pipe, behind the answers.
  await expect.poll(() => edge.lines.length, WAIT).toBeGreaterThanOrEqual(3);
  const secrets = [token, SOURCE_KEY, "another-secret-key", SECRET.toString("base64")];
  for (const word of [...Object.values(PERSONAL), ...secrets, token.slice(0, 40)]) {
    expect(edge.lines.filter((line) => line.includes(word))).toEqual([]);
  }
});
