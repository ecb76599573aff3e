/** The whole way of a click, from the edge to the report, on engines and processes of its own. */
import { claimPort } from "@trueclick/local-stack/ports";
import { answers } from "../harness/answers.ts";
import {
  API_AUTHORIZATION,
  endApp,
  type LogName,
  SOURCE_AUTHORIZATION,
  startApp,
  startEngines,
} from "../harness/product.ts";
import { endWeb, startWeb } from "../report/world.ts";

export interface FreshnessStack {
  /** `POST` here with `authorization`. */
  readonly eventsUrl: string;
  readonly authorization: string;
  /** `GET` here with `reportAuthorization`. */
  readonly reportUrl: string;
  readonly reportAuthorization: string;
  close(): Promise<void>;
}

/** Campaign of the clicks whose way is timed, and those of the load around them. */
export const PROBE_CAMPAIGN = "cmp-probe";
export const LOAD_CAMPAIGNS = Array.from({ length: 20 }, (_none, at) => `cmp-load-${at}`);

/** Starts everything, the edge and the aggregator as processes, and waits until both are ready. */
export async function startStack(logName: LogName): Promise<FreshnessStack> {
  const engines = await startEngines(logName, [PROBE_CAMPAIGN, ...LOAD_CAMPAIGNS]);
  const [ingestPort, opsPort] = [await claimPort(0, "edge"), await claimPort(0, "aggregator")];
  const env = {
    ...engines.env,
    INGEST_PORT: String(ingestPort),
    AGGREGATOR_PORT: String(opsPort),
    AGGREGATOR_ROLES: "stream",
  };
  const children = ["ingest", "aggregator"].map((app) => startApp(app, env));
  await answers(`http://127.0.0.1:${ingestPort}/readyz`);
  await answers(`http://127.0.0.1:${opsPort}/readyz`);
  const web = await startWeb(engines.postgres.url, engines.clickhouse.url);
  return {
    eventsUrl: `http://127.0.0.1:${ingestPort}/v1/events`,
    authorization: SOURCE_AUTHORIZATION,
    reportUrl: `${web.url}/api/v1/report`,
    reportAuthorization: API_AUTHORIZATION,
    async close() {
      await Promise.all([...children.map(endApp), endWeb(web)]);
      await engines.stop();
    },
  };
}
