/** Bundles the SDK for browsers. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCES = fileURLToPath(new URL("src/", import.meta.url));
const ENTRIES = {
  esm: 'export { createTrueclick } from "./trueclick.ts";',
  iife: 'import { createTrueclick } from "./trueclick.ts"; self.trueclick = { createTrueclick };',
};
/** Of what passes between our own files, and nobody outside hands in or reads. */
const INTERNAL_NAMES =
  /^(eventsMax|bytesMax|isPage|newId|startTimer|storage|listen|hidden|leaving|retryAfter|afterMs)$/;

/** @type {typeof import("./bundle.d.mts").bundleSdk} */
export async function bundleSdk(format) {
  const { outputFiles } = await build({
    stdin: { contents: ENTRIES[format], loader: "ts", resolveDir: SOURCES },
    bundle: true,
    minify: true,
    mangleProps: INTERNAL_NAMES,
    write: false,
    format,
    // What browsers of the last four years understand.
    target: ["es2022"],
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("esbuild wrote nothing");
  return file.text;
}
