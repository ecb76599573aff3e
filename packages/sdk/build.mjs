/** Writes `dist/`: a module, a script for pages, and the types. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleSdk } from "./bundle.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const DIST = `${HERE}dist/`;

mkdirSync(DIST, { recursive: true });
writeFileSync(`${DIST}trueclick.mjs`, await bundleSdk("esm"));
writeFileSync(`${DIST}trueclick.js`, await bundleSdk("iife"));
const options = ["--declaration", "--emitDeclarationOnly", "--allowImportingTsExtensions"];
const language = ["--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"];
const entry = [`${HERE}src/trueclick.ts`, "--ignoreConfig", "--strict", "--outDir", DIST];
const library = ["--lib", "es2022,dom", "--types", "node"];
execFileSync("tsc", [...entry, ...options, ...language, ...library], { stdio: "inherit" });
