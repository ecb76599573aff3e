import type { Scope } from "@trueclick/shared/access";
import {
  ChartNoAxesCombined,
  FileSearch,
  GitCompareArrows,
  Megaphone,
  ReceiptText,
  Workflow,
} from "lucide-react";

/** The rooms of the house, in the order of the rail. */
export const ROOMS = [
  {
    path: "/",
    name: "Overview",
    scope: "report:read",
    Icon: ChartNoAxesCombined,
    group: "account",
  },
  {
    path: "/campaigns",
    name: "Campaigns",
    scope: "report:read",
    Icon: Megaphone,
    group: "account",
  },
  { path: "/billing", name: "Billing", scope: "billing:read", Icon: ReceiptText, group: "account" },
  { path: "/drift", name: "Drift", scope: "drift:read", Icon: GitCompareArrows, group: "proof" },
  { path: "/audit", name: "Audit", scope: "audit:read", Icon: FileSearch, group: "proof" },
  { path: "/pipeline", name: "Pipeline", scope: "pipeline:read", Icon: Workflow, group: "proof" },
] as const satisfies readonly { readonly scope: Scope; readonly [key: string]: unknown }[];

/** Whether a path lies in a room. */
export function isInRoom(pathname: string, roomPath: string): boolean {
  return roomPath === "/" ? pathname === "/" : pathname.startsWith(roomPath);
}
