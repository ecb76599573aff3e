import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const MODULE = new URL("quickImports.ts", import.meta.url).href;
const LOCK = fileURLToPath(new URL("../../../../package-lock.json", import.meta.url));

/** In a process of its own: here, modules are not loaded by Node alone. */
const SCRIPT = `
  import { createRequire, registerHooks } from "node:module";
  const { importQuickly } = await import(${JSON.stringify(MODULE)});
  // Registered before ours, and so asked by it only.
  let left = 0;
  registerHooks({
    resolve(specifier, context, next) {
      if (/drizzle-orm/.test(specifier + context.parentURL)) left += 1;
      return next(specifier, context);
    },
  });
  const require = createRequire(${JSON.stringify(MODULE)});
  const all = () => Promise.all([
    import("drizzle-orm"),
    import(${JSON.stringify(new URL("schema/truth.ts", MODULE).href)}),
    import(${JSON.stringify(new URL("schema/hotLines.ts", MODULE).href)}),
  ]);
  const quick = await importQuickly(all);
  const leftByUs = left;
  const usual = await all();
  const isGone = left > leftByUs;
  // The first to name it, and of another kind.
  const mixed = await importQuickly(() => {
    require("drizzle-orm/casing");
    return import("drizzle-orm/casing");
  });
  console.log(JSON.stringify({
    leftByUs,
    isSame: quick.every((module, at) => module === usual[at]),
    isImported: mixed === await import("drizzle-orm/casing"),
    isGone,
  }));
`;

it("loads the very modules that Node loads, and looks few of them up", () => {
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", SCRIPT];
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  expect(stderr).toBe("");
  // Of some two hundred, each name once.
  const leftByUs = 2;
  const told = { leftByUs, isSame: true, isImported: true, isGone: true };
  expect(JSON.parse(stdout)).toEqual(told);
});

it("finds one drizzle-orm only among the dependencies", () => {
  const { packages } = JSON.parse(readFileSync(LOCK, "utf8"));
  const paths = Object.keys(packages).filter((path) => path.endsWith("node_modules/drizzle-orm"));
  expect(paths).toEqual(["node_modules/drizzle-orm"]);
});
