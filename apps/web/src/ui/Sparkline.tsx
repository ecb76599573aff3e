const WIDTH = 72;
const HEIGHT = 24;
const INSET = 2;

interface SparklineProps {
  /** Oldest first; null is a gap, not a zero. */
  readonly values: readonly (number | null)[];
  /** How many of the last values may still grow; drawn dashed. */
  readonly provisional: number;
  readonly label: string;
}

/** A trend the size of a word. Straight lines from zero, so that two of them compare. */
export function Sparkline({ values, provisional, label }: SparklineProps) {
  const max = Math.max(1, ...values.map((value) => value ?? 0));
  const step = (WIDTH - 2 * INSET) / Math.max(1, values.length - 1);
  const points = values.map((value, index) =>
    value === null
      ? null
      : `${round(INSET + index * step)},${round(HEIGHT - INSET - (value / max) * (HEIGHT - 2 * INSET))}`,
  );
  const finalUntil = points.length - provisional;
  return (
    <svg
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
      className="inline-block align-middle"
    >
      <path d={toPath(points.slice(0, finalUntil))} {...STROKE} />
      <path
        d={toPath(points.slice(Math.max(0, finalUntil - 1)))}
        strokeDasharray="2 2"
        {...STROKE}
      />
    </svg>
  );
}

const STROKE = { fill: "none", stroke: "var(--chart-1)", strokeWidth: 1.5 } as const;

/** Joins neighbours; a null breaks the line. */
function toPath(points: readonly (string | null)[]): string {
  return points
    .map((point, index) => {
      if (point === null) return "";
      const joins = index > 0 && points[index - 1] !== null;
      return `${joins ? "L" : "M"}${point}`;
    })
    .join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
