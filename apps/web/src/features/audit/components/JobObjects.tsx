import { formatCount } from "../../../shell/fns/format.ts";
import { Card } from "../../../ui/Card.tsx";
import { EmptyState } from "../../../ui/States.tsx";
import type { Column } from "../../../ui/table/column.ts";
import { DataTable } from "../../../ui/table/DataTable.tsx";
import { Hash } from "./Hash.tsx";
import type { Job } from "./JobFacts.tsx";

type JobObject = Job["objects"][number];

/** The files that a job counted, each with the hash it had to have. */
export function JobObjects({ job }: { readonly job: Job }) {
  return (
    <Card bodyClassName="p-0">
      {job.objects.length === 0 ? (
        <EmptyState title="No archive file lies in this day">
          A day without events is counted too: as nothing.
        </EmptyState>
      ) : (
        <DataTable
          label={`Files of job ${job.id}`}
          caption={
            <span>
              Files counted
              {job.objectsOmitted > 0 && (
                <span className="ml-2 text-xs font-normal text-ink-3">
                  and {formatCount(job.objectsOmitted)} more
                </span>
              )}
            </span>
          }
          columns={COLUMNS}
          rows={job.objects}
          rowKey={(object) => object.path}
          maxHeight="420px"
        />
      )}
    </Card>
  );
}

const COLUMNS: readonly Column<JobObject>[] = [
  {
    id: "path",
    header: "File",
    phone: "title",
    value: (object) => object.path,
    cell: (object) => <span className="font-mono text-xs">{object.path}</span>,
  },
  {
    id: "rows",
    header: "Events",
    align: "right",
    phone: "figure",
    value: (object) => Number(object.rows),
    cell: (object) => formatCount(Number(object.rows)),
  },
  {
    id: "sha256",
    header: "SHA-256",
    means: "Checked before counting: a file that has changed stops the job.",
    value: (object) => object.sha256,
    cell: (object) => <Hash value={object.sha256} label={`SHA-256 of ${object.path}`} />,
  },
];
