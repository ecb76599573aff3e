import { claimPort, PortBusyError } from "@trueclick/local-stack/ports";
import { portBusy } from "./engines.ts";
import type { StartSettings } from "./startSettings.ts";

/**
 * Makes sure that the addresses that users know are free, before anything is started.
 *
 * @throws {CliError} `port_busy`
 */
export async function claimFrontPorts({ webPort, ingestPort }: StartSettings): Promise<void> {
  await claim(webPort, "WEB_PORT", "the web app");
  await claim(ingestPort, "INGEST_PORT", "the edge");
}

async function claim(port: number, variable: string, what: string): Promise<void> {
  try {
    await claimPort(port, what);
  } catch (error) {
    if (error instanceof PortBusyError) throw portBusy(port, variable, what, error);
    throw error;
  }
}
