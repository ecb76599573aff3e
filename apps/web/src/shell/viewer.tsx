"use client";
import { type Role, roleGrants, type Scope } from "@trueclick/shared/access";
import { createContext, type ReactNode, useContext } from "react";

export interface AccountSummary {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly currency: string;
  /** How long after local midnight a day stays open for late clicks and reviews. */
  readonly settlingHours: number;
}

/** Who looks, and what they may look at. From the server, once a page load. */
export interface Viewer {
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly accounts: readonly AccountSummary[];
}

const ViewerContext = createContext<Viewer | null>(null);

interface ViewerProviderProps {
  readonly viewer: Viewer;
  readonly children: ReactNode;
}

export function ViewerProvider({ viewer, children }: ViewerProviderProps) {
  return <ViewerContext value={viewer}>{children}</ViewerContext>;
}

export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext);
  if (viewer === null) throw new Error("useViewer outside of ViewerProvider");
  return viewer;
}

/** Hides what the server would refuse; the server is what refuses it. */
export function useMay(scope: Scope): boolean {
  return roleGrants(useViewer().role, scope);
}
