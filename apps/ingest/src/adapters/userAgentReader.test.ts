import { expect, it } from "vitest";
import { createUserAgentReader } from "./userAgentReader.ts";

const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0";

it.each([
  ["a desktop", `Mozilla/5.0 (X11; Linux x86_64) ${CHROME} Safari/537.36`, "desktop", false],
  [
    "a phone",
    `Mozilla/5.0 (Linux; Android 14; Pixel 8) ${CHROME} Mobile Safari/537.36`,
    "mobile",
    false,
  ],
  [
    "a tablet",
    "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Safari/604.1",
    "tablet",
    false,
  ],
  // A bare search for "bot" would refuse the clicks of people who own this phone.
  [
    "a phone of CUBOT",
    `Mozilla/5.0 (Linux; Android 9; CUBOT X19) ${CHROME} Mobile Safari/537.36`,
    "mobile",
    false,
  ],
  [
    "a crawler",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "other",
    true,
  ],
  ["a script", "curl/8.5.0", "other", true],
  ["nothing", "", "other", false],
  ["gibberish", "\u{1f600}%00(((", "other", false],
])("tells %s", (_what, userAgent, device, isBot) => {
  const read = createUserAgentReader().readUserAgent;
  expect(read(userAgent)).toEqual({ device, isBot });
  expect(read(userAgent)).toEqual({ device, isBot });
});
