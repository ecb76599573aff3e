/**
 * How senders, the edge's core and the log take turns, as a model: `npm run bench -- turns`. It takes
 * a second and no machine disturbs it, so that rules for when an append begins can be compared
 * (decision 99); its times are those of the edge on a quiet machine.
 */
import { quantile } from "../harness/statistics.ts";
import { Clock, Core } from "./clock.ts";
import { type LogTimes, ModelledLog } from "./modelledLog.ts";

const EVENTS_A_REQUEST = 500;
const REQUESTS = 6_000;
/** A request of 500 events at the edge, milliseconds: taken, compressed, answered. */
const TAKE_MS = 1.55;
const COMPRESS_MS = 0.4;
const ANSWER_MS = 0.05;
/** An append at the edge beside that, and hearing that it is stored. */
const SEND_MS = 0.15;
const STORED_MS = 0.1;
/** From an answer to the next request. */
const SENDER_MS = 0.2;

const POSTGRES: LogTimes = {
  ...{ appendMs: 0.3, requestMs: 0.36, flushMs: 3, flushRequestMs: 0.3 },
  holdsRows: true,
};
const SLOW_DISK: LogTimes = { ...POSTGRES, flushMs: 12 };
const KAFKA: LogTimes = { ...POSTGRES, requestMs: 0.1, holdsRows: false };

interface Rule {
  readonly name: string;
  readonly appendsMax: number;
  /** A further append begins with so many times what is under way; 0: with any request. */
  readonly share: number;
  /** Commits that let go of their rows before they are on disk. */
  readonly lets?: true;
}

const RULES: readonly Rule[] = [
  { name: "one at a time", appendsMax: 1, share: 0 },
  { name: "two, the second with any request", appendsMax: 2, share: 0 },
  { name: "two, the second from half of the first on", appendsMax: 2, share: 0.5 },
  { name: "two, the second from the size of the first on", appendsMax: 2, share: 1 },
  { name: "three, with any request", appendsMax: 3, share: 0 },
  { name: "two, with any, rows let go before the disk", appendsMax: 2, share: 0, lets: true },
  { name: "four, with any, rows let go before the disk", appendsMax: 4, share: 0, lets: true },
  { name: "two, from its size on, rows let go", appendsMax: 2, share: 1, lets: true },
];

interface Case {
  readonly name: string;
  readonly senders: number;
  readonly times: LogTimes;
  /** Mean of a sender's pause, by chance, milliseconds. */
  readonly pauseMs: number;
}

const CASES: readonly Case[] = [
  { name: "16 senders, disk 3 ms", senders: 16, times: POSTGRES, pauseMs: 0 },
  { name: "16, disk 12 ms", senders: 16, times: SLOW_DISK, pauseMs: 0 },
  { name: "4, disk 3 ms", senders: 4, times: POSTGRES, pauseMs: 0 },
  { name: "64, disk 3 ms", senders: 64, times: POSTGRES, pauseMs: 0 },
  { name: "16, Kafka, 3 ms", senders: 16, times: KAFKA, pauseMs: 0 },
  { name: "16, disk 3 ms, pauses 3 ms", senders: 16, times: POSTGRES, pauseMs: 3 },
];

function runModel({ senders, times, pauseMs }: Case, { appendsMax, share, lets }: Rule): string {
  const clock = new Clock();
  const core = new Core(clock);
  const log = new ModelledLog(clock, lets === true ? { ...times, holdsRows: false } : times);
  const latenciesMs: number[] = [];
  let sent = 0;
  let appends = 0;
  let underWay = 0;
  let waiting: number[] = [];

  const send = () => {
    if (sent === REQUESTS) return;
    sent += 1;
    const sentAtMs = clock.nowMs;
    const pause = -Math.log(1 - clock.chance()) * pauseMs;
    clock.after(SENDER_MS + pause, () =>
      core.work(TAKE_MS, () => {
        waiting.push(sentAtMs + pause);
        mayAppend();
      }),
    );
  };
  const mayAppend = () => {
    const isFull = appends === appendsMax || waiting.length === 0;
    if (isFull || (appends > 0 && waiting.length < share * underWay)) return;
    const group = waiting;
    waiting = [];
    appends += 1;
    underWay += group.length;
    core.work(COMPRESS_MS * group.length + SEND_MS, () => {
      log.append(group.length, () => core.work(STORED_MS, () => stored(group)));
    });
  };
  const stored = (group: readonly number[]) => {
    appends -= 1;
    underWay -= group.length;
    mayAppend();
    for (const sentAtMs of group) {
      core.work(ANSWER_MS, () => {
        latenciesMs.push(clock.nowMs - sentAtMs);
        send();
      });
    }
  };

  for (let sender = 0; sender < senders; sender += 1) send();
  clock.run();
  latenciesMs.sort((left, right) => left - right);
  const perS = (latenciesMs.length * EVENTS_A_REQUEST * 1_000) / clock.nowMs;
  const [p50, p99] = [0.5, 0.99].map((part) => quantile(latenciesMs, part).toFixed(0));
  const busy = Math.round((100 * core.busyMs) / clock.nowMs);
  return `${Math.round(perS / 1_000)},000, ${p50} / ${p99} ms, ${busy} %`;
}

const lines = RULES.map((rule) => [rule.name, ...CASES.map((one) => runModel(one, rule))]);
const table = [["appends", ...CASES.map(({ name }) => name)], CASES.map(() => "---"), ...lines];
table[1]?.push("---");
process.stdout.write("events a second, p50 / p99, how busy the edge's core is\n\n");
process.stdout.write(`${table.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`);
