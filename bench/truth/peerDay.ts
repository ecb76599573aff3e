/** What both peers are told of the day, and how they name verdicts; each has its own dialect. */

/** Verdicts of a click by itself, first match wins; a peer adds what its windows tell. */
export const BY_ITSELF = `CASE
        WHEN test THEN 'test'
        WHEN is_bot THEN 'bot_user_agent'
        WHEN NOT is_browser THEN 'not_a_browser'
        WHEN flags LIKE '%datacenter_ip%' THEN 'datacenter_ip'
        WHEN flags LIKE '%prefetch%' THEN 'prefetch'
        WHEN flags LIKE '%token_bad%' THEN 'token_bad'
        WHEN flags LIKE '%token_expired%' THEN 'token_expired'
        ELSE NULL END`;

/** Words of the command line. */
export interface PeerDay {
  /** Pattern of the objects. */
  readonly files: string;
  /** CSV with `user_agent,is_bot,is_browser`. */
  readonly agents: string;
  readonly paused: string;
  /** Epoch milliseconds. */
  readonly pausedFromMs: string;
  readonly pausedToMs: string;
  /** What it may use for itself, and where it may put what is more. Megabytes. */
  readonly memoryMb: number;
  readonly scratchDir: string;
}

export function peerDay(): PeerDay {
  const [, , files = "", agents = "", paused = "", pausedFromMs = "", pausedToMs = "", ...limits] =
    process.argv;
  const [memoryMb, scratchDir = ""] = limits;
  const day = { files, agents, paused, pausedFromMs, pausedToMs };
  return { ...day, memoryMb: Number(memoryMb), scratchDir };
}
