"use client";
import type { Scope } from "@trueclick/shared/access";
import type { ReactNode } from "react";
import { EmptyState } from "../../ui/States.tsx";
import { useMay } from "../viewer.tsx";

interface RoomGateProps {
  readonly scope: Scope;
  readonly children: ReactNode;
}

/** Tells a viewer without the right that this room is not theirs; the server refuses the data. */
export function RoomGate({ scope, children }: RoomGateProps) {
  if (useMay(scope)) return children;
  return (
    <EmptyState title="This page is not part of your role" className="pt-24">
      Ask your account manager if you need what it shows. Everything that is yours is in the list of
      pages.
    </EmptyState>
  );
}
