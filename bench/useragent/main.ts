/**
 * What it costs to tell things from user agents: at the edge the device and robots, of agents that are
 * new and of those that are remembered; in truth robots and what is no browser, once for each agent.
 *
 * Time is the process's own on the processor, so that neighbours on the machine matter less.
 */
import { readAgent } from "../../apps/aggregator/src/batch/adapters/agentLibraries.ts";
import { createUserAgentReader } from "../../apps/ingest/src/adapters/userAgentReader.ts";
import { type Contestant, compete } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";

/** Agents in a round that nobody has seen before. */
const NEW_AGENTS = 10_000;
/** A site's agents, all of them remembered. */
const KNOWN_AGENTS = 5_000;
const KNOWN_EVENTS = 1_000_000;

/** Browsers and robots as they are met; `@` stands for what changes with each release. */
const SHAPES = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/@ Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/@ Safari/605.1.15",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/@ Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/@ Mobile Safari/537.36",
  "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/@ Safari/537.36",
  "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/@",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/@ Safari/537.36 Edg/@",
  "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/@ TV Safari/537.36",
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html) @",
  "curl/@",
];

let releases = 0;

/** So many agents that were not there before. */
function newAgents(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    releases += 1;
    return (SHAPES[index % SHAPES.length] ?? "").replaceAll("@", `${releases}.0.${index}`);
  });
}

function contestant(name: string, events: number, prepare: () => () => void): Contestant {
  return {
    name,
    run: async () => {
      const work = prepare();
      const started = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(started);
      return { cpu_s_per_m_events: (user + system) / events };
    },
  };
}

const { readUserAgent } = createUserAgentReader();

const standings = await compete(
  [
    contestant("edge, each agent a new one", NEW_AGENTS, () => {
      const agents = newAgents(NEW_AGENTS);
      return () => {
        for (const agent of agents) readUserAgent(agent);
      };
    }),
    contestant("edge, agents of a site", KNOWN_EVENTS, () => {
      const agents = newAgents(KNOWN_AGENTS);
      for (const agent of agents) readUserAgent(agent);
      const received = agents.map((agent) => Buffer.from(agent));
      return () => {
        for (let event = 0; event < KNOWN_EVENTS; event += KNOWN_AGENTS) {
          // A text of its own for each event, as it is cut from a request.
          for (const agent of received) readUserAgent(agent.toString("latin1"));
        }
      };
    }),
    contestant("truth, each agent a new one", NEW_AGENTS, () => {
      const agents = newAgents(NEW_AGENTS);
      return () => {
        for (const agent of agents) readAgent(agent);
      };
    }),
  ],
  { rounds: 7, warmups: 2 },
);
process.stdout.write(`${provenance()}\n\n${resultTable(standings, ["cpu_s_per_m_events"])}\n`);
