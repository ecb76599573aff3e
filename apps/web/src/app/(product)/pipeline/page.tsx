import type { Metadata } from "next";
import { PipelinePage } from "../../../features/pipeline/components/PipelinePage.tsx";
import { RoomGate } from "../../../shell/components/RoomGate.tsx";

export const metadata: Metadata = { title: "Pipeline" };

export default function Page() {
  return (
    <RoomGate scope="pipeline:read">
      <PipelinePage renderedAtMs={Date.now()} />
    </RoomGate>
  );
}
