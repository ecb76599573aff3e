"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { BadgeCheck, BadgeX, CircleHelp, LoaderCircle, type LucideIcon } from "lucide-react";
import type { AccountPageProps } from "../../../shell/components/AccountGate.tsx";
import { formatInstant } from "../../../shell/fns/format.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import { Button } from "../../../ui/Button.tsx";
import { Card } from "../../../ui/Card.tsx";
import { cn } from "../../../ui/cn.ts";
import { checkedSentence, type Verification } from "../fns/verification.ts";
import { VerifiedLines } from "./VerifiedLines.tsx";

/** How often it is looked whether a verification has ended. */
const PROGRESS_MS = 1_000;

const isUnderWay = (row: Verification | null | undefined) =>
  row?.state === "queued" || row?.state === "running";

interface VerificationCardProps extends Pick<AccountPageProps, "account"> {
  readonly day: string;
  readonly version: number;
  readonly contentHash: string | null;
}

/** Counts a version again on demand, and says whether it comes to the same. */
export function VerificationCard({ account, day, version, contentHash }: VerificationCardProps) {
  const trpc = useTRPC();
  const client = useQueryClient();
  const asked = { advertiserId: account.id, day, version };
  const options = trpc.audit.verification.queryOptions(asked, {
    refetchInterval: ({ state: { data } }) => (isUnderWay(data) ? PROGRESS_MS : false),
  });
  const last = useQuery(options);
  const verify = useMutation(
    trpc.audit.verify.mutationOptions({
      onSuccess: () => client.invalidateQueries({ queryKey: options.queryKey }),
    }),
  );
  const isBusy = verify.isPending || isUnderWay(last.data);
  return (
    <Card
      title="Counted again"
      aside={
        <Button onClick={() => verify.mutate(asked)} disabled={isBusy || last.isPending}>
          Verify now
        </Button>
      }
    >
      <div aria-live="polite" className="space-y-3 text-sm text-ink-2">
        {verify.isError && (
          <p className="text-bad">It could not be asked for. Try again in a moment.</p>
        )}
        {last.isError && <p className="text-bad">What came of it cannot be shown at the moment.</p>}
        {last.data === null && (
          <p>
            Nobody has had version {version} counted again yet. It is judged anew from its files, by
            the inputs below, and compared; nothing is published.
          </p>
        )}
        {last.data && (
          <Outcome row={last.data} timeZone={account.timeZone} contentHash={contentHash} />
        )}
      </div>
    </Card>
  );
}

interface Look {
  readonly Icon: LucideIcon;
  readonly className: string;
  readonly word: string;
}

const LOOKS = {
  verified: { Icon: BadgeCheck, className: "text-good", word: "Verified" },
  differs: { Icon: BadgeX, className: "text-bad", word: "Differs" },
  unverifiable: { Icon: CircleHelp, className: "text-ink-2", word: "Cannot be verified" },
  failed: { Icon: BadgeX, className: "text-bad", word: "Stopped" },
  queued: { Icon: LoaderCircle, className: "text-ink-2", word: "Waiting for its turn" },
  running: { Icon: LoaderCircle, className: "text-ink-2", word: "Counting again" },
} as const satisfies Record<string, Look>;

interface OutcomeProps extends Pick<VerificationCardProps, "contentHash"> {
  readonly row: Verification;
  readonly timeZone: string;
}

function Outcome({ row, timeZone, contentHash }: OutcomeProps) {
  const { verified, state } = row;
  const { Icon, className, word } =
    LOOKS[verified?.outcome ?? (state === "done" ? "failed" : state)];
  const at = (row.finishedAt ?? row.createdAt).getTime();
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <span className={cn("inline-flex items-center gap-1.5 text-base font-semibold", className)}>
          <Icon
            size={20}
            aria-hidden
            className={isUnderWay(row) ? "motion-safe:animate-spin" : ""}
          />
          {word}
        </span>
        <span className="text-ink-3">
          {formatInstant(at, timeZone)}, asked for by {row.requestedBy}
        </span>
      </p>
      {row.error !== null && <p className="break-words">{row.error}</p>}
      {verified && (
        <>
          {verified.reason !== null && (
            <p className="break-words text-ink">
              <span className="text-ink-3">Why:</span> {verified.reason}
            </p>
          )}
          <p>{checkedSentence(verified, contentHash)}</p>
          {verified.lines.length > 0 && <VerifiedLines lines={verified.lines} />}
        </>
      )}
    </>
  );
}
