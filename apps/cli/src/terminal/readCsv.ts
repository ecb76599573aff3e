/** Files that a person hands to a verb: read as a whole, for they were written as a whole too. */
import { readFile, stat } from "node:fs/promises";
import { CsvError, type Info, parse } from "csv-parse/sync";
import { z } from "zod";
import { hasCode } from "../stack/files.ts";
import { CliError } from "./errors.ts";

/**
 * The text of a file.
 *
 * @throws {CliError} `no_file`; `bad_file` if it has more than `bytesMax` bytes or is not in UTF-8.
 */
export async function readTextFile(path: string, bytesMax: number): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > bytesMax) {
      throw new CliError("bad_file", `${path} is larger than ${bytesMax} bytes; split it`);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (hasCode(error, "ENOENT")) throw new CliError("no_file", `There is no file ${path}`);
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

/**
 * The records of a CSV text with a header, trimmed, empty lines left out.
 *
 * @param checkHeader Throws where the columns are not those that it should have.
 * @throws {CliError} `bad_file`, with the line, if it is no CSV.
 */
export function parseCsv(
  text: string,
  checkHeader: (columns: readonly string[]) => void = () => {},
): CsvRecord[] {
  try {
    const records: unknown = parse(text, {
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      columns: (header: string[]) => {
        checkHeader(header);
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
