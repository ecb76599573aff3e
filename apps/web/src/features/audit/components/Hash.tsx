import { CopyButton } from "../../../ui/CopyButton.tsx";

const SHOWN_LENGTH = 10;

interface HashProps {
  readonly value: string;
  /** What it is the fingerprint of, for those who do not see where it stands. */
  readonly label: string;
}

/** A fingerprint: its beginning to compare by eye, all of it to copy. */
export function Hash({ value, label }: HashProps) {
  return (
    <span className="inline-flex items-center font-mono text-xs text-ink-2" title={value}>
      {value.slice(0, SHOWN_LENGTH)}…
      <CopyButton text={value} label={`Copy ${label}`} />
    </span>
  );
}
