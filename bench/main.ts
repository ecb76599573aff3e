/**
 * `npm run bench -- NAME [words]`: runs `bench/NAME/main.ts`, which prints its table. Benchmarks are
 * never part of `npm test`: a machine that is busy would fail it.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

const here = import.meta.dirname;
const [name = "", ...words] = process.argv.slice(2);
const names = readdirSync(here).filter((entry) => existsSync(`${here}/${entry}/main.ts`));
if (names.includes(name)) {
  const child = spawn(process.execPath, [`${here}/${name}/main.ts`, ...words], {
    stdio: "inherit",
  });
  child.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  process.stderr.write(`npm run bench -- NAME, where NAME is one of: ${names.join(", ")}\n`);
  process.exitCode = 2;
}
