import { DATA_DIR_VARIABLE, startStack } from "./stack.ts";

/** One stack for all journeys. What it returns is called when the last one has ended. */
export default async function globalSetup(): Promise<() => Promise<void>> {
  const stack = await startStack({ args: ["--no-history"] });
  process.env[DATA_DIR_VARIABLE] = stack.dataDir;
  return () => stack.stop();
}
