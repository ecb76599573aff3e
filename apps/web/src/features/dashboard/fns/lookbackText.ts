/** How long before a conversion a click may lie to be credited, over some campaigns, in words. */
export function lookbackText(daysOfCampaigns: readonly number[]): string {
  const days = [...new Set(daysOfCampaigns)].sort((a, b) => a - b);
  const [first, last] = [days.at(0), days.at(-1)];
  if (first === undefined || last === undefined) return "within the look-back window";
  if (first === last) return first === 1 ? "within 1 day" : `within ${first} days`;
  return `within ${first} to ${last} days, as set for each campaign`;
}
