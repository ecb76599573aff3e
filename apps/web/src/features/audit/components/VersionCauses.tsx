import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { formatInstant, formatMoney } from "../../../shell/fns/format.ts";
import { hrefKeeping } from "../../../shell/urlState.ts";
import { Card } from "../../../ui/Card.tsx";
import { changedInputs, type VersionDiff } from "../fns/prepareDiff.ts";

interface VersionCausesProps {
  readonly diff: VersionDiff;
  readonly timeZone: string;
}

/** Why there was another count, what it was counted by instead, and both versions side by side. */
export function VersionCauses({ diff, timeZone }: VersionCausesProps) {
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Card title="Why">
        <p className="text-sm break-words">{diff.after.cause}</p>
        <ul className="mt-3 list-disc space-y-1 pl-5 text-sm text-ink-2">
          {changedInputs(diff).map((sentence) => (
            <li key={sentence} className="break-words">
              {sentence}
            </li>
          ))}
        </ul>
      </Card>
      <Card title="The two versions">
        <dl className="space-y-3 text-sm">
          {[diff.after, diff.before].map((side) => (
            <Side key={side.version} side={side} currency={diff.currency} timeZone={timeZone} />
          ))}
        </dl>
      </Card>
    </div>
  );
}

interface SideProps {
  readonly side: VersionDiff["after"];
  readonly currency: string;
  readonly timeZone: string;
}

function Side({ side, currency, timeZone }: SideProps) {
  const params = useSearchParams();
  return (
    <div>
      <dt className="flex justify-between gap-3">
        <span>Version {side.version}</span>
        <span className="tabular-nums">{formatMoney(side.costMicros, currency)}</span>
      </dt>
      <dd className="text-xs text-ink-3">
        {formatInstant(side.publishedAt.getTime(), timeZone)}, by{" "}
        <Link
          href={hrefKeeping(`/audit/jobs/${side.jobId}`, params)}
          className="text-accent underline"
        >
          job #{side.jobId}
        </Link>
      </dd>
    </div>
  );
}
