/** Who clicks: people with their browsers and countries, and robots that say that they are. */
import type { Device } from "@trueclick/shared/event/stored";
import { createPicker } from "./popularity.ts";
import type { Random } from "./random.ts";

export interface Visitor {
  readonly userId: string;
  readonly userAgent: string;
  readonly ip: string;
  readonly geo: string;
  readonly device: Device;
}

interface Browser {
  readonly userAgent: string;
  readonly device: Device;
  readonly share: number;
}

const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";
const BROWSERS: readonly Browser[] = [
  {
    userAgent: `Mozilla/5.0 (Linux; Android 14; Pixel 8) ${WEBKIT} Chrome/128.0.0.0 Mobile Safari/537.36`,
    device: "mobile",
    share: 34,
  },
  {
    userAgent:
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
    device: "mobile",
    share: 26,
  },
  {
    userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/128.0.0.0 Safari/537.36`,
    device: "desktop",
    share: 22,
  },
  {
    userAgent:
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:129.0) Gecko/20100101 Firefox/129.0",
    device: "desktop",
    share: 10,
  },
  {
    userAgent:
      "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
    device: "tablet",
    share: 6,
  },
  {
    userAgent: `Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) ${WEBKIT} Version/7.0 TV Safari/537.36`,
    device: "tv",
    share: 2,
  },
];

/** User agents of robots that say what they are. */
export const ROBOTS: ReadonlySet<string> = new Set([
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
  "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
]);

const pickBrowser = createPicker(
  BROWSERS,
  BROWSERS.map(({ share }) => share),
);

/** A person. Few enough that some come back, enough that few do within seconds. */
export function pickPerson(random: Random, geos: readonly string[], people: number): Visitor {
  const number = random.below(people);
  const { userAgent, device } = pickBrowser(random);
  return {
    userId: `user-${number.toString(36)}`,
    userAgent,
    // Of the block that is kept for benchmarks (RFC 2544): nobody's real address, and many networks.
    ip: `198.${18 + ((number >> 16) & 1)}.${(number >> 8) & 255}.${number & 255}`,
    geo: random.pick(geos),
    device,
  };
}

export function pickRobot(random: Random, geos: readonly string[]): Visitor {
  return {
    userId: `robot-${random.below(50)}`,
    userAgent: random.pick([...ROBOTS]),
    ip: `198.51.100.${random.below(254) + 1}`,
    geo: random.pick(geos),
    device: "other",
  };
}
