import { join } from "node:path";
import {
  type Availability,
  DEFAULT_TOOLS,
  type JavaProgram,
  type JavaTools,
  jarsAvailable,
} from "../maven/mavenJars.ts";

/** A whole Apache Kafka broker. */
export const KAFKA: JavaProgram = {
  name: "Kafka",
  pomPath: join(import.meta.dirname, "../../kafka/pom.xml"),
  cacheName: "trueclick-kafka",
  megabytes: 45,
};

/** Whether a local Kafka can be started here, found without downloading anything. */
export function kafkaAvailable(tools: JavaTools = DEFAULT_TOOLS): Promise<Availability> {
  return jarsAvailable(KAFKA, tools);
}
