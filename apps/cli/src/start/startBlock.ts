import type { DemoFile } from "../stack/stackFile.ts";

export interface StartBlock {
  readonly demo: DemoFile;
  readonly seconds: number;
  readonly dataPath: string;
  readonly logsPath: string;
  /** What the log is kept in, in words. */
  readonly log: string;
  /** What happens in the background, in words; one line each. */
  readonly notes: readonly string[];
}

/** What a start prints once, when everything answers. */
export function formatStartBlock(block: StartBlock): string {
  const { demo } = block;
  const emailWidth = Math.max(...demo.logins.map(({ email }) => email.length));
  const passwordWidth = Math.max(...demo.logins.map(({ password }) => password.length));
  const logins = demo.logins.map(
    ({ email, password, role }) =>
      `    ${email.padEnd(emailWidth)}  ${password.padEnd(passwordWidth)}  ${role.replace("_", " ")}`,
  );
  return [
    "",
    `Trueclick is ready (${block.seconds} s).`,
    "",
    `  Web    ${demo.webUrl}`,
    `  Edge   ${demo.ingestUrl}/v1/events`,
    "",
    "  Sign in with",
    ...logins,
    "",
    "  Keys (Authorization: Bearer KEY)",
    `    send events          ${demo.ingestKey}`,
    `    API, engineer        ${demo.apiKeys.engineer}`,
    `    API, account manager ${demo.apiKeys.accountManager}`,
    `    API, advertiser      ${demo.apiKeys.advertiser}`,
    "",
    `  Data   ${block.dataPath}  (log in ${block.log}; all of the above in demo.json)`,
    `  Logs   ${block.logsPath}`,
    ...block.notes.map((note, index) => `${index === 0 ? "  Now    " : "         "}${note}`),
    "",
    "  Next   send a click and watch it appear within seconds:",
    `    curl -X POST ${demo.ingestUrl}/v1/events \\`,
    `      -H "Authorization: Bearer ${demo.ingestKey}" -H "Content-Type: application/json" \\`,
    `      -d '{"event_type":"click","event_id":"my-click-0001","event_time":"'$(date -u +%FT%TZ)'",` +
      `"campaign_id":"cmp-acme-autumn","ad_id":"ad-acme-autumn-1","publisher_id":"pub-herald"}'`,
    "    npx trueclick batch run      counts it for billing",
    "",
    "  Ctrl-C stops everything; the next start goes on with the same data.",
    "",
  ].join("\n");
}
