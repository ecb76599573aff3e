/**
 * P13, freshness: from the acknowledgement of a click to the report that shows it, at rising load.
 * `npm run bench -- freshness [postgres|kafka] [events a second …]`. The report is `GET /api/v1/report` of the web
 * app; generator, edge, log, aggregator, stores and web app share the machine.
 */
import { LOGS, type LogName } from "../harness/product.ts";
import { quantile } from "../harness/statistics.ts";
import { provenance } from "../harness/table.ts";
import { buildWeb } from "../report/world.ts";
import { runLoad } from "./load.ts";
import { type ProbeReport, runProbes } from "./probes.ts";
import { LOAD_CAMPAIGNS, PROBE_CAMPAIGN, startStack } from "./stack.ts";

const LOADS_DEFAULT = [500, 5_000, 10_000, 20_000];
const SECONDS = 12;
const PROBES_PER_SECOND = 10;
/** The first seconds of a step belong to the step before. */
const WARM_UP_SECONDS = 3;

const HEAD = [
  ...["events/s asked", "events/s acked", "clicks timed", "not seen"],
  ...["ack p50 ms", "ack p99 ms", "visible p50 ms", "visible p99 ms", "visible max ms"],
];

async function measure(logName: LogName, loads: readonly number[]): Promise<void> {
  const stack = await startStack(logName);
  const { eventsUrl: url, authorization, reportUrl, reportAuthorization } = stack;
  try {
    const rows: string[][] = [];
    for (const eventsPerSecond of loads) {
      const name = `${logName}-${eventsPerSecond}`;
      const loading = runLoad({
        ...{ url, authorization, eventsPerSecond, name, campaigns: LOAD_CAMPAIGNS },
        seconds: SECONDS + WARM_UP_SECONDS,
      });
      await new Promise((resolve) => setTimeout(resolve, WARM_UP_SECONDS * 1_000));
      const probes = await runProbes({
        ...{ url, authorization, reportUrl, reportAuthorization },
        ...{ campaign: PROBE_CAMPAIGN, name },
        ...{ perSecond: PROBES_PER_SECOND, seconds: SECONDS - 1 },
      });
      const load = await loading;
      rows.push([
        `${eventsPerSecond}`,
        `${Math.round(load.acked / load.seconds)}`,
        ...cells(probes),
      ]);
    }
    const table = [HEAD, HEAD.map(() => "---"), ...rows];
    const text = table.map((row) => `| ${row.join(" | ")} |`).join("\n");
    process.stdout.write(`\n${logName} as the log; ${provenance()}\n\n${text}\n`);
  } finally {
    await stack.close();
  }
}

function cells({ ackedMs, visibleMs, missing }: ProbeReport): string[] {
  const at = (values: readonly number[], share: number) => `${Math.round(quantile(values, share))}`;
  return [
    ...[`${visibleMs.length}`, `${missing}`, at(ackedMs, 0.5), at(ackedMs, 0.99)],
    ...[at(visibleMs, 0.5), at(visibleMs, 0.99), at(visibleMs, 1)],
  ];
}

const asked = process.argv.slice(2);
const numbers = asked.map(Number).filter((value) => value > 0);
const loads = numbers.length > 0 ? numbers : LOADS_DEFAULT;
const named = LOGS.filter((logName) => asked.includes(logName));
await buildWeb();
for (const logName of named.length > 0 ? named : LOGS) await measure(logName, loads);
