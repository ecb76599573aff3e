"use client";
import { roleGrants } from "@trueclick/shared/access";
import Link from "next/link";
import { usePathname, useSearchParams } from "next/navigation";
import { cn } from "../../ui/cn.ts";
import { isInRoom, ROOMS } from "../rooms.ts";
import { hrefKeeping } from "../urlState.ts";
import { useViewer } from "../viewer.tsx";

/** The rooms that a role may enter: a rail at the left, on a phone a bar at the bottom. */
export function Rail() {
  const { role } = useViewer();
  const pathname = usePathname();
  const params = useSearchParams();
  const rooms = ROOMS.filter((room) => roleGrants(role, room.scope));
  return (
    <nav
      aria-label="Rooms"
      className={cn(
        "fixed inset-x-0 bottom-0 z-30 flex border-t border-line bg-surface",
        "pb-[env(safe-area-inset-bottom)]",
        "md:sticky md:top-14 md:h-[calc(100dvh-3.5rem)] md:w-48 md:shrink-0 md:flex-col md:gap-0.5",
        "md:border-t-0 md:border-r md:bg-transparent md:p-3",
      )}
    >
      {rooms.map((room, index) => {
        const current = isInRoom(pathname, room.path);
        const opensGroup = index > 0 && rooms[index - 1]?.group !== room.group;
        return (
          <Link
            key={room.path}
            href={hrefKeeping(room.path, params)}
            aria-current={current ? "page" : undefined}
            className={cn(
              "flex min-w-0 flex-1 flex-col items-center gap-1 px-1 py-2 text-2xs font-medium",
              "transition-colors",
              "md:h-8 md:flex-none md:flex-row md:gap-2.5 md:rounded-lg md:px-2.5 md:py-0 md:text-sm",
              current
                ? "text-accent md:bg-accent-soft"
                : "text-ink-3 hover:text-ink md:hover:bg-sunken",
              opensGroup && "md:mt-3",
            )}
          >
            <room.Icon size={17} aria-hidden className="shrink-0" />
            <span className="truncate">{room.name}</span>
          </Link>
        );
      })}
    </nav>
  );
}
