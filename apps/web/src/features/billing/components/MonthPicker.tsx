import { ChevronLeft, ChevronRight, Download } from "lucide-react";
import { formatMonth } from "../../../shell/fns/format.ts";
import { type AccountSummary, useMay } from "../../../shell/viewer.tsx";
import { Button, buttonClass } from "../../../ui/Button.tsx";
import { addMonths } from "../fns/months.ts";

interface MonthPickerProps {
  readonly month: string;
  readonly presentMonth: string;
  readonly account: AccountSummary;
  readonly onChange: (month: string) => void;
}

export function MonthPicker({ month, presentMonth, account, onChange }: MonthPickerProps) {
  const mayExport = useMay("billing:export");
  const exportParams = new URLSearchParams({ advertiser_id: account.id, month });
  return (
    <>
      <div className="flex items-center gap-1">
        <Button
          size="icon"
          aria-label="Month before"
          onClick={() => onChange(addMonths(month, -1))}
        >
          <ChevronLeft size={15} aria-hidden />
        </Button>
        <span className="w-36 text-center font-medium" aria-live="polite">
          {formatMonth(month)}
        </span>
        <Button
          size="icon"
          aria-label="Month after"
          disabled={month >= presentMonth}
          onClick={() => onChange(addMonths(month, 1))}
        >
          <ChevronRight size={15} aria-hidden />
        </Button>
      </div>
      {mayExport && (
        <a href={`/api/v1/billing/export?${exportParams}`} download className={buttonClass()}>
          <Download size={14} aria-hidden />
          Export CSV
        </a>
      )}
    </>
  );
}
