import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
/** Some of what is packed was written for `require`. */
const REQUIRE =
  'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);';

/**
 * Packs the edge and all that it needs into one file, which starts in a fifth of the time: for tests
 * that start it a hundred times. Nothing else about it is different.
 *
 * @returns Its path, in a folder of its own under the system's temporary one.
 */
export async function packEdge(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "trueclick-packed-"));
  await build({
    entryPoints: { edge: MAIN },
    bundle: true,
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    platform: "node",
    format: "esm",
    banner: { js: REQUIRE },
    // Compiled parts go along as they are.
    loader: { ".node": "copy" },
    logLevel: "error",
  });
  return join(folder, "edge.mjs");
}
