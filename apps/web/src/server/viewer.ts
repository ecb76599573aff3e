import "server-only";
import { headers } from "next/headers";
import { composition } from "./composition.ts";

/** Who asks for the page that is being drawn, or why there is nobody. */
export async function loadViewer() {
  return composition().loadViewer(new Headers(await headers()));
}
