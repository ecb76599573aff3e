/** What checking one parsed event costs: the edge's hand-written parser beside the schema it equals. */
import { hash } from "node:crypto";
import { parseEnvelope } from "@trueclick/shared/event/envelope";
import { envelopeSchema } from "../../packages/shared/src/event/envelopeSchema.ts";
import { type Contestant, compete } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";

const EVENTS_A_ROUND = 200_000;
const NOW_MS = Date.UTC(2026, 5, 1, 12);

const event = {
  ...{ schema_version: 1, event_type: "click", event_id: "evt_0123456789abcdef" },
  ...{ event_time: NOW_MS - 1_000, campaign_id: "cmp_1", ad_id: "ad_1", publisher_id: "pub_1" },
  ...{ user_id: "user_1", geo: "NL", device: "mobile", click_id: "clk_1" },
};
const context = {
  ingestTimeMs: NOW_MS,
  sourceId: "src_1",
  sha256Hex: (text: string) => hash("sha256", text),
};
const schema = envelopeSchema(NOW_MS);

function contestant(name: string, accepts: () => boolean): Contestant {
  return {
    name,
    run: async () => {
      const startedMs = performance.now();
      let accepted = 0;
      for (let at = 0; at < EVENTS_A_ROUND; at += 1) if (accepts()) accepted += 1;
      if (accepted !== EVENTS_A_ROUND) throw new Error(`${name} accepted ${accepted} events`);
      return { events_per_s: (EVENTS_A_ROUND / (performance.now() - startedMs)) * 1_000 };
    },
  };
}

const standings = await compete(
  [
    contestant("parseEnvelope", () => parseEnvelope(event, context).ok),
    contestant("zod", () => schema.safeParse(event).success),
  ],
  { rounds: 7, warmups: 2 },
);
process.stdout.write(`${provenance()}\n\n${resultTable(standings, ["events_per_s"], "zod")}\n`);
