"use client";
import { Check, ChevronsUpDown } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/Button.tsx";
import { Combobox } from "../../ui/Combobox.tsx";
import { useAccount } from "../urlState.ts";
import { useViewer } from "../viewer.tsx";

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
    <Combobox
      label="Find an advertiser"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <Button variant="ghost" className="max-w-48 min-w-0 shrink text-ink">
          <span className="truncate">{account.name}</span>
          <ChevronsUpDown size={13} aria-hidden className="text-ink-3" />
        </Button>
      }
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
  );
}
