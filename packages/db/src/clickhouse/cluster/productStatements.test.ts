import { glob, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { clusterStatements, UnknownStatementError } from "./clusterStatements.ts";
import { SHARDED_BY } from "./shardedTables.ts";

const ROOT = new URL("../../../../../", import.meta.url).pathname;
/** Where the product speaks to ClickHouse. The event log and the schema of Postgres are other SQL. */
const SOURCES = ["apps/*/src/**/*.{ts,tsx}", "packages/{archive,db}/src/**/*.ts"];
const NOT_THE_PRODUCT =
  /\.test\.tsx?$|\/testing\/|\/clickhouse\/cluster\/|\/postgres\/(?:migrations|schema)\//;

/** Every way in which a statement that is no query may begin; in upper case, as all of our SQL is. */
const CHANGES =
  /\b(?:INSERT INTO|ALTER TABLE|DELETE FROM|CREATE (?:OR REPLACE )?(?:TABLE|MATERIALIZED|VIEW|NAMED|DICTIONARY|DATABASE)|DROP (?:TABLE|VIEW|DICTIONARY|DATABASE)|(?:OPTIMIZE|TRUNCATE|RENAME|EXCHANGE|ATTACH|DETACH|UNDROP) TABLE|KILL QUERY|SYSTEM [A-Z]+ )[^`;]*/g;

/** What is said to one engine alone: tables and filters in its memory, which no other node knows of. */
const OF_ONE_ENGINE = [
  {
    file: "apps/aggregator/src/batch/adapters/memoryTables.ts",
    begins: /^(?:CREATE TABLE .*|\s+ENGINE = Memory |DROP TABLE IF EXISTS )/s,
  },
  {
    file: "apps/aggregator/src/batch/adapters/keyFilters.ts",
    begins: /^(?:CREATE DICTIONARY |DROP DICTIONARY IF EXISTS )/,
  },
];

async function changesOfTheProduct() {
  const found: { readonly file: string; readonly sql: string }[] = [];
  for await (const file of glob(SOURCES, { cwd: ROOT })) {
    if (NOT_THE_PRODUCT.test(`/${file}`)) continue;
    const code = (await readFile(`${ROOT}/${file}`, "utf8")).replace(
      /^\s*(?:\/\/|\*|\/\*).*$/gm,
      "",
    );
    for (const [sql] of code.matchAll(CHANGES)) found.push({ file, sql });
  }
  const isOfOneEngine = ({ file, sql }: (typeof found)[number]) =>
    OF_ONE_ENGINE.some((one) => file === one.file && one.begins.test(sql));
  return {
    changes: found.filter((change) => !isOfOneEngine(change)),
    ofOneEngine: found.filter(isOfOneEngine),
  };
}

// On a cluster it would be refused when it is sent: in the night, and at the operator's.
it("knows every statement by which the product changes rows or tables", async () => {
  const { changes } = await changesOfTheProduct();
  // What a loop puts into the text is a table, or columns that tell nothing of the kind.
  for (const { file, sql } of changes) {
    const named = sql
      .replace(/\$\{(?:table|table\.name)\}/, "truth_cube")
      .replace(/\$\{.*?\}/gs, "x");
    expect(
      () => clusterStatements(named, { name: "c", replicas: 2 }),
      `${file}: ${sql}`,
    ).not.toThrow();
  }
  const inserted = changes.flatMap(({ sql }) => /^INSERT INTO (\w+)/.exec(sql)?.[1] ?? []);
  expect(inserted.length).toBeGreaterThan(10);
  expect(inserted.filter((table) => !Object.hasOwn(SHARDED_BY, table))).toEqual([]);
});

// A table in one node's memory that others are asked for is missing there: the statement must not get so far.
it("sends no statement to a cluster that is for one engine alone", async () => {
  const { ofOneEngine } = await changesOfTheProduct();
  expect(ofOneEngine).toHaveLength(4);
  for (const { sql } of ofOneEngine) {
    const named = sql.replace(/\$\{.*?\}/gs, "x");
    expect(() => clusterStatements(named, { name: "c", replicas: 2 }), sql).toThrow(
      UnknownStatementError,
    );
  }
});
