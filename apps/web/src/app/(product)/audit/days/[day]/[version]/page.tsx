import { parseDay } from "@trueclick/shared/calendar";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { VersionPage } from "../../../../../../features/audit/components/VersionPage.tsx";
import { AccountGate } from "../../../../../../shell/components/AccountGate.tsx";
import { RoomGate } from "../../../../../../shell/components/RoomGate.tsx";

export const metadata: Metadata = { title: "Version of a day" };

interface VersionRouteProps {
  readonly params: Promise<{ readonly day: string; readonly version: string }>;
}

export default async function Page({ params }: VersionRouteProps) {
  const { day, version } = await params;
  // The first version has none before it.
  if (!isDay(day) || !/^(?:[2-9]|[1-9]\d{1,8})$/.test(version)) notFound();
  return (
    <RoomGate scope="audit:read">
      <AccountGate Page={VersionPage} renderedAtMs={Date.now()} />
    </RoomGate>
  );
}

function isDay(text: string): boolean {
  try {
    return parseDay(text) === text;
  } catch {
    return false;
  }
}
