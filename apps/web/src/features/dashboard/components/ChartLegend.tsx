/** What the lines mean, in words. */
export function ChartLegend({ compared }: { readonly compared: boolean }) {
  return (
    <ul className="mt-2 flex flex-wrap gap-x-5 gap-y-1 pl-11 text-xs text-ink-3">
      <Entry stroke="var(--chart-1)" text="final" />
      <Entry stroke="var(--chart-1)" dash="4 3" text="may still grow" />
      {compared && <Entry stroke="var(--chart-previous)" text="previous period" />}
    </ul>
  );
}

interface EntryProps {
  readonly stroke: string;
  readonly dash?: string;
  readonly text: string;
}

function Entry({ stroke, dash, text }: EntryProps) {
  return (
    <li className="inline-flex items-center gap-1.5">
      <svg width="20" height="4" aria-hidden>
        <line x1="0" y1="2" x2="20" y2="2" stroke={stroke} strokeWidth="2" strokeDasharray={dash} />
      </svg>
      {text}
    </li>
  );
}
