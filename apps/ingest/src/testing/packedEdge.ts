import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
/** Some of what is packed was written for `require`. */
const REQUIRE =
  'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);';

export interface PackedEdge {
  /** What Node runs. */
  readonly program: string;
  /** To be set where it runs. */
  readonly settings: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/**
 * Packs the edge and all that it needs into one file, compiled beforehand, which starts in a sixth of
 * the time that its sources take. Nothing else about it is different.
 */
export async function packEdge(): Promise<PackedEdge> {
  const folder = await mkdtemp(join(tmpdir(), "trueclick-packed-"));
  await build({
    entryPoints: { edge: MAIN },
    bundle: true,
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    platform: "node",
    format: "esm",
    banner: { js: REQUIRE },
    ...{ minifyWhitespace: true, minifySyntax: true },
    // Compiled parts go along as they are.
    loader: { ".node": "copy" },
    logLevel: "error",
  });
  const program = join(folder, "edge.mjs");
  const settings = { NODE_COMPILE_CACHE: join(folder, "compiled") };
  // Without settings it ends at once, and leaves behind what it has compiled.
  const env = { PATH: process.env["PATH"] ?? "", ...settings };
  await promisify(execFile)(process.execPath, [program], { env }).catch(() => null);
  return { program, settings, remove: () => rm(folder, { recursive: true, force: true }) };
}
