import { join, resolve } from "node:path";
import type { CliContext } from "../terminal/context.ts";

/** Names within the data folder. Everything that a stack keeps on disk lies under one of them. */
export const DATA_NAMES = {
  lock: "start.lock",
  children: "children.json",
  secrets: "secrets.json",
  stack: "stack.json",
  demo: "demo.json",
  demoState: "demo-state.json",
  logKind: "event-log.json",
  postgres: "postgres",
  clickhouse: "clickhouse",
  kafka: "kafka",
  objects: "objects",
  spool: "spool",
  logs: "logs",
  sends: "sends",
} as const;

export type DataName = keyof typeof DATA_NAMES;

export interface DataDir {
  readonly path: string;
  file(name: DataName): string;
}

/** The data folder: the argument, else `TRUECLICK_DATA`, else `.trueclick` beside the packages. */
export function findDataDir({ env, root }: CliContext, given?: string): DataDir {
  const path = resolve(given ?? env["TRUECLICK_DATA"] ?? join(root, ".trueclick"));
  return { path, file: (name) => join(path, DATA_NAMES[name]) };
}
