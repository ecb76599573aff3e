"use client";
import { useQuery } from "@tanstack/react-query";
import { roleGrants } from "@trueclick/shared/access";
import { Command } from "cmdk";
import { Megaphone } from "lucide-react";
import { useRouter, useSearchParams } from "next/navigation";
import type { ReactNode } from "react";
import { Dialog } from "../../ui/Dialog.tsx";
import { ROOMS } from "../rooms.ts";
import { useTRPC } from "../trpc.tsx";
import { hrefKeeping, useAccount } from "../urlState.ts";
import { useViewer } from "../viewer.tsx";

interface CommandDialogProps {
  readonly onClose: () => void;
}

export function CommandDialog({ onClose }: CommandDialogProps) {
  const { role } = useViewer();
  const { account } = useAccount();
  const router = useRouter();
  const params = useSearchParams();
  const trpc = useTRPC();
  const campaigns = useQuery({
    ...trpc.campaigns.list.queryOptions({ advertiserId: account?.id ?? "" }),
    enabled: account !== null,
  });
  const go = (href: string) => {
    router.push(href);
    onClose();
  };
  return (
    <Dialog open onOpenChange={onClose} title="Search">
      <Command label="Search pages and campaigns">
        <Command.Input
          placeholder="Go to a page or a campaign…"
          className="h-12 w-full border-b border-line bg-transparent px-4 text-base outline-none"
        />
        <Command.List className="max-h-96 overflow-y-auto p-1.5">
          <Command.Empty className="py-10 text-center text-sm text-ink-3">
            Nothing of that name.
          </Command.Empty>
          <Group heading="Pages">
            {ROOMS.filter((room) => roleGrants(role, room.scope)).map((room) => (
              <Item
                key={room.path}
                text={room.name}
                onSelect={() => go(hrefKeeping(room.path, params))}
              >
                <room.Icon size={15} aria-hidden className="text-ink-3" />
                {room.name}
              </Item>
            ))}
          </Group>
          <Group heading="Campaigns">
            {campaigns.data?.map((campaign) => (
              <Item
                key={campaign.id}
                text={`${campaign.name} ${campaign.id}`}
                onSelect={() => go(hrefKeeping("/", params, { campaign: campaign.id }))}
              >
                <Megaphone size={15} aria-hidden className="text-ink-3" />
                <span className="truncate">{campaign.name}</span>
                <span className="ml-auto text-xs text-ink-3">{campaign.id}</span>
              </Item>
            ))}
          </Group>
        </Command.List>
      </Command>
    </Dialog>
  );
}

function Group({ heading, children }: { readonly heading: string; readonly children: ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-ink-3"
    >
      {children}
    </Command.Group>
  );
}

interface ItemProps {
  readonly text: string;
  readonly onSelect: () => void;
  readonly children: ReactNode;
}

function Item({ text, onSelect, children }: ItemProps) {
  return (
    <Command.Item
      value={text}
      onSelect={onSelect}
      className={
        "flex min-h-9 cursor-pointer items-center gap-2.5 rounded-md px-2 text-sm data-[selected=true]:bg-sunken"
      }
    >
      {children}
    </Command.Item>
  );
}
