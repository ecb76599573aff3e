/** The web app's program. What it is made of was compiled at an earlier start, where there was one. */
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

/** Beside what else is made of these sources; where it cannot be written, nothing is kept. */
const COMPILED = fileURLToPath(
  new URL("../../../node_modules/.cache/trueclick/compiled", import.meta.url),
);

enableCompileCache(COMPILED);
// Libraries choose by it which of their builds they load.
const { NODE_ENV = "production" } = process.env;
Object.assign(process.env, { NODE_ENV });
// Not imported above, which would be before there is a cache.
const { runWeb } = await import("./runWeb.ts");
await runWeb(process.env);
