/** What an import asks for, checked as a whole before anything is written. */
import { dayBounds, isTimeZone, parseDay } from "@trueclick/shared/calendar";
import { ENTITY_ID_LENGTH_MAX } from "@trueclick/shared/ids";

/** A row of the CSV, or its like from JSON: all fields as text, absent ones empty. */
export interface CampaignRow {
  /** Where it is from, as a person finds it: `line 3`. */
  readonly where: string;
  readonly fields: Readonly<Record<CampaignColumn, string>>;
  readonly ads: readonly PlannedAd[];
}

export const CAMPAIGN_COLUMNS = [
  "advertiser_id",
  "advertiser_name",
  "time_zone",
  "currency",
  "campaign_id",
  "campaign_name",
  "cpc_micros",
  "effective_from",
  "daily_budget_micros",
] as const;
/** Columns that a file may leave out; what they say of then stays as it is. */
export const OPTIONAL_COLUMNS = ["requires_impression"] as const;
export type CampaignColumn = (typeof CAMPAIGN_COLUMNS)[number] | (typeof OPTIONAL_COLUMNS)[number];

export interface PlannedAdvertiser {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly currency: string;
  readonly where: string;
}

export interface PlannedCampaign {
  readonly id: string;
  readonly advertiserId: string;
  readonly name: string;
  readonly dailyBudgetMicros: bigint | null;
  readonly where: string;
}

export interface PlannedAd {
  readonly id: string;
  readonly name: string;
}

export interface PlannedRate {
  readonly campaignId: string;
  readonly effectiveFromMs: number;
  readonly cpcMicros: bigint;
  readonly where: string;
}

/** Whether clicks of a campaign need an impression that was received, from an instant on. */
export interface PlannedRequirement {
  readonly campaignId: string;
  readonly effectiveFromMs: number;
  readonly required: boolean;
  readonly where: string;
}

export interface CampaignPlan {
  readonly advertisers: ReadonlyMap<string, PlannedAdvertiser>;
  readonly campaigns: ReadonlyMap<string, PlannedCampaign>;
  /** By campaign and id. */
  readonly ads: ReadonlyMap<string, PlannedAd & { readonly campaignId: string }>;
  /** By campaign and instant. */
  readonly rates: ReadonlyMap<string, PlannedRate>;
  /** By campaign and instant; only of rows that say something of it. */
  readonly requirements: ReadonlyMap<string, PlannedRequirement>;
}

/** One thing that is wrong, and where. */
export interface ImportIssue {
  readonly where: string;
  readonly column: CampaignColumn | "ads";
  readonly message: string;
}

/** A signed 64-bit integer holds it, here and in the database. */
const MICROS_MAX = 2n ** 63n - 1n;
const NAME_LENGTH_MAX = 200;
const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));
/** With a zone; a time without one would be another instant on every machine. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** Checks all rows and finds everything that is wrong, not just the first. */
export function planCampaigns(rows: readonly CampaignRow[]): {
  readonly plan: CampaignPlan;
  readonly issues: readonly ImportIssue[];
} {
  const planner = new Planner();
  for (const row of rows) planner.add(row);
  return planner;
}

/** Names what a campaign is given from an instant on. */
export function entryKey(entry: Pick<PlannedRate, "campaignId" | "effectiveFromMs">): string {
  return `${entry.campaignId}\0${entry.effectiveFromMs}`;
}

class Planner {
  readonly issues: ImportIssue[] = [];
  readonly plan = {
    advertisers: new Map<string, PlannedAdvertiser>(),
    campaigns: new Map<string, PlannedCampaign>(),
    ads: new Map<string, PlannedAd & { campaignId: string }>(),
    rates: new Map<string, PlannedRate>(),
    requirements: new Map<string, PlannedRequirement>(),
  };

  add(row: CampaignRow): void {
    const before = this.issues.length;
    const reader = new RowReader(row, this.issues);
    const { where } = row;
    const advertiser: PlannedAdvertiser = {
      id: reader.id("advertiser_id"),
      name: reader.name("advertiser_name"),
      timeZone: reader.timeZone(),
      currency: reader.currency(),
      where,
    };
    const campaign: PlannedCampaign = {
      id: reader.id("campaign_id"),
      advertiserId: advertiser.id,
      name: reader.name("campaign_name"),
      dailyBudgetMicros: reader.optionalMicros("daily_budget_micros"),
      where,
    };
    const rate: PlannedRate = {
      campaignId: campaign.id,
      effectiveFromMs: reader.effectiveFromMs(advertiser.timeZone),
      cpcMicros: reader.micros("cpc_micros"),
      where,
    };
    const required = reader.optionalBoolean("requires_impression");
    const ads = row.ads.filter((ad) => reader.ad(ad));
    // A row with a mistake in it says nothing dependable about the others.
    if (this.issues.length > before) return;
    this.#addAdvertiser(advertiser);
    this.#addCampaign(campaign);
    this.#addRate(rate);
    if (required !== null) this.#addRequirement({ ...rate, required });
    for (const ad of ads) {
      this.plan.ads.set(`${campaign.id}\0${ad.id}`, { ...ad, campaignId: campaign.id });
    }
  }

  #addAdvertiser(advertiser: PlannedAdvertiser): void {
    const known = this.plan.advertisers.get(advertiser.id);
    if (known === undefined) {
      this.plan.advertisers.set(advertiser.id, advertiser);
      return;
    }
    this.#same(advertiser, known, "advertiser_name", "name");
    this.#same(advertiser, known, "time_zone", "timeZone");
    this.#same(advertiser, known, "currency", "currency");
  }

  #addCampaign(campaign: PlannedCampaign): void {
    const known = this.plan.campaigns.get(campaign.id);
    if (known === undefined) {
      this.plan.campaigns.set(campaign.id, campaign);
      return;
    }
    this.#same(campaign, known, "advertiser_id", "advertiserId");
    this.#same(campaign, known, "campaign_name", "name");
    this.#same(campaign, known, "daily_budget_micros", "dailyBudgetMicros");
  }

  #addRate(rate: PlannedRate): void {
    const key = entryKey(rate);
    const known = this.plan.rates.get(key);
    if (known === undefined) this.plan.rates.set(key, rate);
    else this.#same(rate, known, "cpc_micros", "cpcMicros");
  }

  #addRequirement({ campaignId, effectiveFromMs, required, where }: PlannedRequirement): void {
    const requirement = { campaignId, effectiveFromMs, required, where };
    const key = entryKey(requirement);
    const known = this.plan.requirements.get(key);
    if (known === undefined) this.plan.requirements.set(key, requirement);
    else this.#same(requirement, known, "requires_impression", "required");
  }

  #same<Item extends { readonly where: string }>(
    item: Item,
    known: Item,
    column: CampaignColumn,
    field: keyof Item,
  ): void {
    if (item[field] === known[field]) return;
    const message = `is ${item[field]} here and ${known[field]} in ${known.where}`;
    this.issues.push({ where: item.where, column, message });
  }
}

/** Reads the fields of one row; what is wrong is noted and stands in as an empty value. */
class RowReader {
  readonly #row: CampaignRow;
  readonly #issues: ImportIssue[];

  constructor(row: CampaignRow, issues: ImportIssue[]) {
    this.#row = row;
    this.#issues = issues;
  }

  id(column: "advertiser_id" | "campaign_id"): string {
    const id = this.#text(column);
    if (id === "") this.#note(column, "is empty");
    else if (id.length > ENTITY_ID_LENGTH_MAX) {
      this.#note(column, `has more than ${ENTITY_ID_LENGTH_MAX} characters`);
    }
    return id;
  }

  name(column: "advertiser_name" | "campaign_name"): string {
    const name = this.#text(column);
    if (name === "") this.#note(column, "is empty");
    else if (name.length > NAME_LENGTH_MAX) {
      this.#note(column, `has more than ${NAME_LENGTH_MAX} characters`);
    }
    return name;
  }

  timeZone(): string {
    const zone = this.#text("time_zone");
    if (!/^[A-Za-z]/.test(zone) || !isTimeZone(zone)) {
      this.#note("time_zone", `is no IANA time zone, such as Europe/Berlin: ${zone}`);
    }
    return zone;
  }

  currency(): string {
    const currency = this.#text("currency");
    if (!CURRENCIES.has(currency)) {
      this.#note("currency", `is no ISO 4217 code, such as EUR: ${currency}`);
    }
    return currency;
  }

  micros(column: "cpc_micros" | "daily_budget_micros"): bigint {
    const text = this.#text(column);
    const micros = /^\d{1,19}$/.test(text) ? BigInt(text) : null;
    if (micros !== null && micros <= MICROS_MAX) return micros;
    this.#note(column, `must be a whole number of micros, not negative: ${text}`);
    return 0n;
  }

  optionalMicros(column: "daily_budget_micros"): bigint | null {
    return this.#text(column) === "" ? null : this.micros(column);
  }

  optionalBoolean(column: "requires_impression"): boolean | null {
    const text = this.#text(column);
    if (text === "true" || text === "false") return text === "true";
    if (text !== "") this.#note(column, `must be true or false: ${text}`);
    return null;
  }

  /** A calendar day stands for its start in the advertiser's zone, where its billing day begins. */
  effectiveFromMs(timeZone: string): number {
    const text = this.#text("effective_from");
    const instantMs = INSTANT.test(text) ? Date.parse(text) : startOfDay(text, timeZone);
    if (!Number.isNaN(instantMs)) return instantMs;
    const examples = "2026-11-01T00:00:00Z, or a day";
    this.#note("effective_from", `must be a time with a zone, such as ${examples}: ${text}`);
    return 0;
  }

  ad({ id, name }: PlannedAd): boolean {
    const isGood = id !== "" && id.length <= ENTITY_ID_LENGTH_MAX && name.length <= NAME_LENGTH_MAX;
    if (!isGood) this.#note("ads", `need an id of 1 to ${ENTITY_ID_LENGTH_MAX} characters`);
    return isGood;
  }

  #text(column: CampaignColumn): string {
    return this.#row.fields[column].trim();
  }

  #note(column: ImportIssue["column"], message: string): void {
    this.#issues.push({ where: this.#row.where, column, message });
  }
}

/** `NaN` for what is no day, or one that the zone does not have. */
function startOfDay(text: string, timeZone: string): number {
  try {
    return dayBounds(parseDay(text), timeZone).fromMs;
  } catch {
    return Number.NaN;
  }
}
