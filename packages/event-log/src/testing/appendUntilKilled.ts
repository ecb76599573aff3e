/**
 * A program that appends one record after the other and prints what has been acked, for a test to
 * kill: `node appendUntilKilled.ts <adapter> <address> <topic>`.
 */

import { writeSync } from "node:fs";
import { argv } from "node:process";
import { createKafkaEventLog } from "../kafka/kafkaEventLog.ts";
import { createPostgresEventLog } from "../postgres/postgresEventLog.ts";

const STANDARD_OUTPUT = 1;

const [, , adapter, at = "", topic = ""] = argv;
const log =
  adapter === "postgres"
    ? createPostgresEventLog({ connectionString: at })
    : createKafkaEventLog({ brokers: [at], clientId: "killed" });
const appender = await log.appender(topic);
for (let index = 0; ; index += 1) {
  const value = Buffer.from(`killed-${index}`);
  const [appended] = await appender.append([{ partition: 0, value }]);
  // Not through a stream: what is printed must not die in a buffer.
  writeSync(STANDARD_OUTPUT, `${appended?.offset} killed-${index}\n`);
}
