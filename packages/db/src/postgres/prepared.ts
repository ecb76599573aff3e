import type { Database } from "./database.ts";

/**
 * Statements that are built once a database and prepared once a connection: to build, to parse and to plan
 * one takes longer than to run it, where it reads a few rows. Their names must be unique, and what they
 * answer of one type for ever: JSON as text.
 *
 * @param prepare Of one kind of a statement.
 */
export function preparedOnce<Kind extends string, Statement>(
  prepare: (db: Database, kind: Kind) => Statement,
): (db: Database, kind: Kind) => Statement {
  const known = new WeakMap<Database, Map<Kind, Statement>>();
  return (db, kind) => {
    const statements = known.get(db) ?? new Map<Kind, Statement>();
    known.set(db, statements);
    const statement = statements.get(kind) ?? prepare(db, kind);
    statements.set(kind, statement);
    return statement;
  };
}
