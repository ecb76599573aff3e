import { createRequire } from "node:module";
import { isbot } from "isbot";
import { UAParser } from "ua-parser-js";
import { z } from "zod";

/** What is said of a user agent, as the MRC asks in two passes: known browsers, then robots. */
export interface AgentFacts {
  /** One of the browsers that the parser knows by name. */
  readonly isBrowser: boolean;
  /** One of the robots, crawlers and tools of the list. */
  readonly isBot: boolean;
}

const require = createRequire(import.meta.url);
const packageSchema = z.object({ name: z.string(), version: z.string() });

function versionOf(library: string): string {
  const { name, version } = packageSchema.parse(require(`${library}/package.json`));
  return `${name}@${version}`;
}

/** Names and versions of what `readAgent` decides by. The same names, the same facts. */
export const AGENT_LIBRARIES = [versionOf("ua-parser-js"), versionOf("isbot")].join(" ");

/** Takes some tens of microseconds. */
export function readAgent(userAgent: string): AgentFacts {
  const { name } = new UAParser(userAgent).getBrowser();
  return { isBrowser: name !== undefined && name !== "", isBot: isbot(userAgent) };
}
