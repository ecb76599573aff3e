import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const MODULE = new URL("quickImports.ts", import.meta.url).href;
const LOCK = fileURLToPath(new URL("../../../../package-lock.json", import.meta.url));

/** In a process of its own: here, modules are not loaded by Node alone. */
const SCRIPT = `
  import { registerHooks } from "node:module";
  const { importQuickly } = await import(${JSON.stringify(MODULE)});
  // Registered before ours, and so asked by it only.
  let left = 0;
  registerHooks({
    resolve(specifier, context, next) {
      if (/drizzle-orm/.test(specifier + context.parentURL)) left += 1;
      return next(specifier, context);
    },
  });
  const all = () => import("drizzle-orm/node-postgres");
  const quick = await importQuickly(all);
  const leftByUs = left;
  const usual = await all();
  const required = (await import("node:module")).createRequire(${JSON.stringify(MODULE)});
  console.log(JSON.stringify({
    leftByUs,
    isSame: quick === usual,
    isGone: left > leftByUs,
    isRequired: typeof required("drizzle-orm").sql === "function",
  }));
`;

it("loads the very modules that Node loads, and looks few of them up", () => {
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", SCRIPT];
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  expect(stderr).toBe("");
  const { leftByUs, ...rest } = JSON.parse(stdout);
  expect(rest).toEqual({ isSame: true, isGone: true, isRequired: true });
  // Of some three hundred.
  expect(leftByUs).toBeLessThan(10);
});

it("finds one drizzle-orm only among the dependencies", () => {
  const { packages } = JSON.parse(readFileSync(LOCK, "utf8"));
  const paths = Object.keys(packages).filter((path) => path.endsWith("node_modules/drizzle-orm"));
  expect(paths).toEqual(["node_modules/drizzle-orm"]);
});
