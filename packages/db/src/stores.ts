import type { ClickHouseClient } from "@clickhouse/client";
import type { Database } from "./postgres/database.ts";
import type { AnswerMemo } from "./queries/answerMemo.ts";
import type { LatestAnswers } from "./queries/latestAnswers.ts";
import type { OpenHoursKept } from "./queries/openHours.ts";
import type { DatedRows } from "./routing/reportQuery.ts";

/** Both databases, as every query takes them. */
export interface Stores {
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  /** Of these databases and no others. Without one, every answer is read. */
  readonly memo?: AnswerMemo;
  /**
   * Of what the stream changes with its next flush: apart, since answers that nobody will ask for again
   * would push out those that last. Without one, that is read each time.
   */
  readonly recent?: AnswerMemo;
  /** Of what the stream is writing to, for a moment. Without one, everybody waits until that is read. */
  readonly latest?: LatestAnswers<DatedRows>;
  /** Everybody's hours that no line tells yet. Without it, each who asks reads its own. */
  readonly openHours?: OpenHoursKept;
}
