import topUserAgents from "top-user-agents";
import { expect, it } from "vitest";
import { AGENT_LIBRARIES, readAgent } from "./agentLibraries.ts";

// Each false positive is a person whose click is not paid for. The list is of real browsers, by use.
it("takes none of the most used browsers for a robot, or for no browser", () => {
  expect(topUserAgents.length).toBeGreaterThanOrEqual(100);
  const wrong = topUserAgents.filter((agent) => {
    const { isBot, isBrowser } = readAgent(agent);
    return isBot || !isBrowser;
  });
  expect(wrong).toEqual([]);
});

it.each([
  ["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", true],
  ["python-requests/2.31.0", true],
  ["Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/99.0 Mobile", false],
])("says of %s that it is a robot: %s", (agent, isBot) => {
  expect(readAgent(agent).isBot).toBe(isBot);
});

it("names what it decides by, with versions", () => {
  expect(AGENT_LIBRARIES).toMatch(/^ua-parser-js@1\.\d+\.\d+ isbot@\d+\.\d+\.\d+$/);
});
