/** The demo organisation: advertisers in four zones and currencies, with all that belongs to them. */
import { popularityShares } from "./popularity.ts";
import type { TrafficCatalogue } from "./traffic.ts";

export interface DemoCampaign {
  readonly id: string;
  readonly name: string;
  readonly ads: readonly { readonly id: string; readonly name: string }[];
  /** Micros of the advertiser's currency. */
  readonly dailyBudgetMicros: bigint;
  readonly cpcMicros: bigint;
  /** In force from noon of the 16th of last month in the advertiser's zone, where there is one. */
  readonly nextCpcMicros?: bigint;
}

export interface DemoAdvertiser {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly currency: string;
  /** Events on an ordinary day. */
  readonly eventsPerDay: number;
  readonly geos: readonly string[];
  readonly campaigns: readonly DemoCampaign[];
}

export const DEMO_PUBLISHERS = ["pub-herald", "pub-weather", "pub-recipes", "pub-sports"] as const;

const AD_SIZES = ["Banner 728x90", "Rectangle 300x250", "Story 9:16"] as const;

interface CampaignPlan {
  readonly slug: string;
  readonly name: string;
  readonly ads: number;
  /** Whole units of the currency. */
  readonly dailyBudget: number;
  readonly cpcMicros: number;
  readonly nextCpcMicros?: number;
}

function campaign(plan: CampaignPlan): DemoCampaign {
  return {
    id: `cmp-${plan.slug}`,
    name: plan.name,
    ads: AD_SIZES.slice(0, plan.ads).map((size, index) => ({
      id: `ad-${plan.slug}-${index + 1}`,
      name: `${plan.name}, ${size}`,
    })),
    dailyBudgetMicros: BigInt(plan.dailyBudget) * 1_000_000n,
    cpcMicros: BigInt(plan.cpcMicros),
    ...(plan.nextCpcMicros === undefined ? {} : { nextCpcMicros: BigInt(plan.nextCpcMicros) }),
  };
}

const ACME: DemoAdvertiser = {
  id: "adv-acme",
  name: "Acme GmbH",
  timeZone: "Europe/Berlin",
  currency: "EUR",
  eventsPerDay: 1_200,
  geos: ["DE", "DE", "DE", "AT", "CH", "FR", "NL"],
  campaigns: [
    campaign({
      ...{ slug: "acme-autumn", name: "Autumn sale", ads: 3, dailyBudget: 120 },
      ...{ cpcMicros: 250_000, nextCpcMicros: 310_000 },
    }),
    campaign({
      ...{ slug: "acme-brand", name: "Brand search", ads: 2, dailyBudget: 60, cpcMicros: 180_000 },
    }),
    campaign({
      ...{ slug: "acme-tools", name: "Power tools", ads: 3, dailyBudget: 80, cpcMicros: 420_000 },
    }),
    campaign({
      ...{ slug: "acme-garden", name: "Garden season", ads: 2, dailyBudget: 40 },
      ...{ cpcMicros: 205_000, nextCpcMicros: 150_000 },
    }),
    campaign({
      ...{ slug: "acme-retarget", name: "Come back", ads: 1, dailyBudget: 30, cpcMicros: 95_000 },
    }),
  ],
};

const KATHMANDU: DemoAdvertiser = {
  id: "adv-kathmandu",
  name: "Kathmandu Trekking",
  timeZone: "Asia/Kathmandu",
  currency: "NPR",
  eventsPerDay: 600,
  geos: ["NP", "IN", "IN", "GB", "US", "AU"],
  campaigns: [
    campaign({
      ...{ slug: "ktm-annapurna", name: "Annapurna circuit", ads: 2, dailyBudget: 9_000 },
      ...{ cpcMicros: 38_500_000, nextCpcMicros: 41_250_000 },
    }),
    campaign({
      ...{ slug: "ktm-everest", name: "Everest base camp", ads: 3, dailyBudget: 12_000 },
      cpcMicros: 52_000_000,
    }),
    campaign({
      ...{ slug: "ktm-gear", name: "Gear rental", ads: 1, dailyBudget: 2_500 },
      cpcMicros: 12_750_000,
    }),
  ],
};

const PACIFIC: DemoAdvertiser = {
  id: "adv-pacific-surf",
  name: "Pacific Surf Co",
  timeZone: "America/Los_Angeles",
  currency: "USD",
  eventsPerDay: 800,
  geos: ["US", "US", "US", "US", "CA", "MX"],
  campaigns: [
    campaign({
      ...{ slug: "surf-boards", name: "Boards", ads: 3, dailyBudget: 150, cpcMicros: 610_000 },
    }),
    campaign({
      ...{ slug: "surf-wetsuits", name: "Wetsuits", ads: 2, dailyBudget: 90 },
      ...{ cpcMicros: 480_000, nextCpcMicros: 525_000 },
    }),
    campaign({
      ...{ slug: "surf-lessons", name: "Lessons", ads: 2, dailyBudget: 45, cpcMicros: 333_333 },
    }),
    campaign({
      ...{ slug: "surf-outlet", name: "Outlet", ads: 1, dailyBudget: 25, cpcMicros: 110_000 },
    }),
  ],
};

const LORD_HOWE: DemoAdvertiser = {
  id: "adv-lord-howe",
  name: "Lord Howe Lodge",
  timeZone: "Australia/Lord_Howe",
  currency: "AUD",
  eventsPerDay: 400,
  geos: ["AU", "AU", "AU", "NZ", "SG"],
  campaigns: [
    campaign({
      ...{ slug: "howe-rooms", name: "Rooms with a view", ads: 2, dailyBudget: 70 },
      ...{ cpcMicros: 730_000, nextCpcMicros: 690_000 },
    }),
    campaign({
      ...{ slug: "howe-diving", name: "Diving week", ads: 2, dailyBudget: 35, cpcMicros: 560_000 },
    }),
  ],
};

export const DEMO_ADVERTISERS: readonly DemoAdvertiser[] = [ACME, KATHMANDU, PACIFIC, LORD_HOWE];

/** The advertiser that the demo's advertiser account belongs to. */
export const DEMO_MEMBER_ADVERTISER = ACME;

/** The traffic of one advertiser: its first campaign is the hot one. */
export function catalogueOf(advertiser: DemoAdvertiser): TrafficCatalogue {
  const shares = popularityShares(advertiser.campaigns.length);
  return {
    campaigns: advertiser.campaigns.map(({ id, ads }, index) => ({
      id,
      adIds: ads.map((ad) => ad.id),
      share: shares[index] ?? 0,
    })),
    publisherIds: DEMO_PUBLISHERS,
    geos: advertiser.geos,
  };
}

/** The traffic of all: of the whole organisation's campaigns, one is hot. */
export function demoCatalogue(): TrafficCatalogue {
  const campaigns = DEMO_ADVERTISERS.flatMap((advertiser) => advertiser.campaigns);
  const shares = popularityShares(campaigns.length);
  return {
    campaigns: campaigns.map(({ id, ads }, index) => ({
      id,
      adIds: ads.map((ad) => ad.id),
      share: shares[index] ?? 0,
    })),
    publisherIds: DEMO_PUBLISHERS,
    geos: DEMO_ADVERTISERS.flatMap((advertiser) => advertiser.geos),
  };
}
