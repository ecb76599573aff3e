interface PacedCampaign {
  readonly campaignName: string;
  readonly budgetMicros: number;
  readonly spentMicros: number;
  readonly projectedMicros: number | null;
  readonly overDelivery: boolean;
}

/**
 * The account's pacing in one figure: what all campaigns with a daily budget have spent of it today,
 * where they will end, and which are over. Null where no campaign has a budget.
 */
export function preparePacing(rows: readonly PacedCampaign[]) {
  const total = (of: (row: PacedCampaign) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  const budgetMicros = total((row) => row.budgetMicros);
  if (budgetMicros === 0) return null;
  const spentMicros = total((row) => row.spentMicros);
  const isProjected = rows.every((row) => row.projectedMicros !== null);
  return {
    share: spentMicros / budgetMicros,
    spentMicros,
    budgetMicros,
    projectedMicros: isProjected ? total((row) => row.projectedMicros ?? 0) : null,
    over: rows.filter((row) => row.overDelivery).map((row) => row.campaignName),
  };
}
