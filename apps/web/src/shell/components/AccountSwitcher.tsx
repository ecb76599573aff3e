"use client";
import { Check, ChevronsUpDown } from "lucide-react";
import dynamic from "next/dynamic";
import { useState } from "react";
import { Button } from "../../ui/Button.tsx";
import { Popover } from "../../ui/Popover.tsx";
import { useAccount } from "../urlState.ts";
import { useViewer } from "../viewer.tsx";

// Loaded when first opened: most visits stay with one account.
const SearchList = dynamic(async () => (await import("../../ui/SearchList.tsx")).SearchList, {
  ssr: false,
  loading: () => <div className="h-40" />,
});

/** Whose figures are in sight. With one account there is nothing to switch. */
export function AccountSwitcher() {
  const { accounts } = useViewer();
  const { account, setAccountId } = useAccount();
  const [open, setOpen] = useState(false);
  if (account === null) return null;
  if (accounts.length === 1) {
    return <span className="truncate px-2 text-sm font-medium">{account.name}</span>;
  }
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      className="w-72"
      trigger={
        <Button
          variant="ghost"
          aria-label={`Advertiser: ${account.name}`}
          className="max-w-48 min-w-0"
        >
          <span className="truncate text-ink">{account.name}</span>
          <ChevronsUpDown size={13} aria-hidden className="text-ink-3" />
        </Button>
      }
    >
      <SearchList
        label="Find an advertiser"
        options={accounts.map((candidate) => ({
          value: candidate.id,
          text: `${candidate.name} ${candidate.id}`,
          node: (
            <>
              <span className="min-w-0 flex-1 truncate">{candidate.name}</span>
              <span className="text-xs text-ink-3">{candidate.currency}</span>
              <Check
                size={14}
                aria-hidden
                className={candidate.id === account.id ? "text-accent" : "invisible"}
              />
            </>
          ),
        }))}
        onChoose={(id) => {
          void setAccountId(id);
          setOpen(false);
        }}
      />
    </Popover>
  );
}
