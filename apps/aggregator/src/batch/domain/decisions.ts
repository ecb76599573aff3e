import { pinnedRows } from "./pinnedRows.ts";

/** The columns of an event that a decision may name. */
export const SCOPE_COLUMNS = [
  "campaign_id",
  "ad_id",
  "publisher_id",
  "user_id",
  "ip_net",
  "event_id",
] as const;
export type ScopeColumn = (typeof SCOPE_COLUMNS)[number];

/** A decision that is in force: events that match all of its scope in its range are invalid. */
export interface PinnedDecision {
  readonly id: number;
  /** At least one column. */
  readonly scope: Readonly<Partial<Record<ScopeColumn, string>>>;
  /** Inclusive, event time, epoch milliseconds. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

/** SQL that tells which decisions an event meets. Decisions on the same columns are one join. */
export interface DecisionSql {
  /** Sub-queries for a `WITH`. */
  readonly subqueries: readonly string[];
  /** Joins to `own`. */
  readonly joins: readonly string[];
  /** Array(UInt64): the decisions that block the event's publisher as a whole. */
  readonly publisherDecisions: string;
  /** Array(UInt64): all other decisions on the event. */
  readonly manualDecisions: string;
}

const PUBLISHER_SHAPE = "publisher_id";
const NONE = "emptyArrayUInt64()";

/** Whether a decision names what is in a column, or nobody by an empty one. */
export function isNamed(decisions: readonly PinnedDecision[], column: ScopeColumn): boolean {
  return decisions.some(({ scope }) => scope[column] !== undefined);
}

/** Conditions over the columns of the archive, one of which every event meets that is decided on. */
export function decidedSql(decisions: readonly PinnedDecision[]): string[] {
  return byShape(decisions).map(({ columns, own }) => {
    const names = columns.join(", ");
    return `(${names}) IN (SELECT ${names} FROM (${tableSql(columns, own)}))`;
  });
}

export function decisionSql(decisions: readonly PinnedDecision[]): DecisionSql {
  const named = byShape(decisions).map((shape, at) => ({ ...shape, table: `decisions_${at}` }));
  const matching = (shapesIn: typeof named) =>
    shapesIn.map(({ table }) => {
      const inRange = "d -> own.event_time_ms >= d.2 AND own.event_time_ms < d.3";
      return `arrayMap(d -> d.1, arrayFilter(${inRange}, ${table}.decisions))`;
    });
  const publisher = matching(named.filter(({ shape }) => shape === PUBLISHER_SHAPE));
  const manual = matching(named.filter(({ shape }) => shape !== PUBLISHER_SHAPE));
  return {
    subqueries: named.map(({ table, columns, own }) => `${table} AS (${tableSql(columns, own)})`),
    joins: named.map(({ table, columns }) => {
      const equal = columns.map((column) => `own.${column} = ${table}.${column}`);
      return `LEFT JOIN ${table} ON ${equal.join(" AND ")}`;
    }),
    publisherDecisions: publisher.length === 0 ? NONE : `arrayConcat(${publisher.join(", ")})`,
    manualDecisions: manual.length === 0 ? NONE : `arrayConcat(${manual.join(", ")})`,
  };
}

/** Decisions on the same columns together, in an order of their own. */
function byShape(decisions: readonly PinnedDecision[]) {
  const shapes = [...Map.groupBy(decisions, shapeOf)].sort(([a], [b]) => (a < b ? -1 : 1));
  return shapes.map(([shape, own]) => ({
    shape,
    columns: SCOPE_COLUMNS.filter((column) => shape.split(",").includes(column)),
    own,
  }));
}

function shapeOf({ scope }: PinnedDecision): string {
  return SCOPE_COLUMNS.filter((column) => scope[column] !== undefined).join(",");
}

function tableSql(columns: readonly ScopeColumn[], decisions: readonly PinnedDecision[]): string {
  const structure = [...columns.map((column) => `${column} String`), "decision_id UInt64"];
  const rows = decisions.map(({ id, scope, fromMs, toMs }) => ({
    ...scope,
    decision_id: id,
    from_ms: fromMs,
    to_ms: toMs,
  }));
  const source = pinnedRows([...structure, "from_ms Int64", "to_ms Int64"].join(", "), rows);
  return `SELECT ${columns.join(", ")},
      arraySort(groupArray((decision_id, from_ms, to_ms))) AS decisions
    FROM (${source}) GROUP BY ${columns.join(", ")}`;
}
