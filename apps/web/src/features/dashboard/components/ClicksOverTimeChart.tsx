"use client";
import {
  CartesianGrid,
  Line,
  LineChart,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import type { ClickPoint } from "../fns/prepareClickSeries.ts";
import { ClickTooltip } from "./ClickTooltip.tsx";

export const CHART_HEIGHT_PX = 248;
/** Up to here every point gets a dot: a line of two points alone is easily missed. */
const DOTS_MAX = 14;

const TICK = { fill: "var(--ink-3)", fontSize: 11 } as const;
const COMPACT = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });

interface ClicksOverTimeChartProps {
  readonly points: readonly ClickPoint[];
  /** Read out in place of the drawing; says what a sighted reader would take from it. */
  readonly summary: string;
}

/** Clicks per bucket: solid where counting has ended, dashed where late clicks may still arrive. */
export function ClicksOverTimeChart({ points, summary }: ClicksOverTimeChartProps) {
  const dot = points.length <= DOTS_MAX ? { r: 2.5, strokeDasharray: "" } : false;
  const line = { type: "linear", strokeWidth: 2, isAnimationActive: false, dot } as const;
  return (
    <figure aria-label={summary}>
      <ResponsiveContainer width="100%" height={CHART_HEIGHT_PX}>
        <LineChart
          data={[...points]}
          accessibilityLayer
          margin={{ top: 8, right: 12, bottom: 0, left: 0 }}
        >
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="label"
            minTickGap={40}
            tickLine={false}
            axisLine={{ stroke: "var(--line)" }}
            tick={TICK}
            tickMargin={6}
          />
          <YAxis
            width={44}
            domain={[0, "auto"]}
            allowDecimals={false}
            tickLine={false}
            axisLine={false}
            tick={TICK}
            tickFormatter={(clicks: number) => COMPACT.format(clicks)}
          />
          <Tooltip
            content={({ active, payload }) => (
              <ClickTooltip active={active} point={pointOf(payload)} />
            )}
            isAnimationActive={false}
            cursor={{ stroke: "var(--line-strong)", strokeWidth: 1 }}
          />
          <Line
            {...line}
            name="Previous period"
            dataKey="previous"
            stroke="var(--chart-previous)"
            strokeWidth={1.5}
            dot={false}
          />
          <Line {...line} name="Clicks" dataKey="final" stroke="var(--chart-1)" />
          <Line
            {...line}
            name="Clicks so far"
            dataKey="provisional"
            stroke="var(--chart-1)"
            strokeDasharray="5 4"
          />
        </LineChart>
      </ResponsiveContainer>
    </figure>
  );
}

interface Payload {
  readonly payload?: ClickPoint;
}

function pointOf(payload: readonly Payload[] | undefined): ClickPoint | null {
  return payload?.[0]?.payload ?? null;
}
