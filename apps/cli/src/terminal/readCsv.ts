/** Files that a person hands to a verb: read as a whole, for they were written as a whole too. */
import { readFile, stat } from "node:fs/promises";
import { CsvError, type Info, parse } from "csv-parse/sync";
import { z } from "zod";
import { hasCode } from "../stack/files.ts";
import { CliError } from "./errors.ts";

/**
 * The text of a file.
 *
 * @throws {CliError} `no_file`; `bad_file` if it has more than `bytesMax` bytes, is not in UTF-8, or
 *   holds a NUL, which no database takes.
 */
export async function readTextFile(path: string, bytesMax: number): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > bytesMax) {
      throw new CliError("bad_file", `${path} is larger than ${bytesMax} bytes; split it`);
    }
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
    if (text.includes("\0")) throw new CliError("bad_file", `${path} holds a NUL: it is no text`);
    return text;
  } catch (error) {
    if (hasCode(error, "ENOENT")) throw new CliError("no_file", `There is no file ${path}`);
    if (hasCode(error, "EISDIR")) throw new CliError("bad_file", `${path} is a folder`);
    if (error instanceof TypeError) throw new CliError("bad_file", `${path} is not in UTF-8`);
    throw error;
  }
}

export interface CsvRecord {
  /** Where it ends in the file, from 1. */
  readonly line: number;
  /** By column. */
  readonly fields: Readonly<Record<string, string>>;
}

const recordsSchema = z.array(
  z.object({ record: z.record(z.string(), z.string()), info: z.custom<Info>() }),
);

/** Which columns a file has. */
export interface CsvColumns {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/**
 * The records of a CSV text with a header, trimmed, empty lines left out.
 *
 * @throws {CliError} `bad_file`, with the line, if it is no CSV, or its columns are others: what a
 *   misspelt column says would not be heard, and of two with one name only the last.
 */
export function parseCsv(text: string, expected: CsvColumns): CsvRecord[] {
  if (text.trim() === "") throw new CliError("bad_file", "line 1: the file has no header");
  try {
    const records: unknown = parse(text, {
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      columns: (header: string[]) => {
        checkHeader(header, expected);
        return header;
      },
    });
    return recordsSchema
      .parse(records)
      .map(({ record, info }) => ({ line: info.lines, fields: record }));
  } catch (error) {
    if (error instanceof CsvError) throw new CliError("bad_file", error.message, { cause: error });
    throw error;
  }
}

function checkHeader(header: readonly string[], { required, optional }: CsvColumns): void {
  const missing = required.filter((column) => !header.includes(column));
  const unknown = header.filter((name) => !required.includes(name) && !optional.includes(name));
  const twice = header.filter((name, at) => header.indexOf(name) !== at);
  const problems = [
    ...(missing.length === 0 ? [] : [`lacks ${missing.join(", ")}`]),
    ...(unknown.length === 0 ? [] : [`has unknown ${unknown.join(", ")}`]),
    ...(twice.length === 0 ? [] : [`has ${twice.join(", ")} twice`]),
  ];
  if (problems.length === 0) return;
  throw new CliError("bad_file", `line 1: the header ${problems.join(" and ")}`);
}
