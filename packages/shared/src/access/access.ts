/** Who may do what. The same table guards the server and hides buttons in the browser. */

/** How keys and secrets begin, so that whoever finds one in a log knows what was lost. */
export const KEY_PREFIXES = { source: "tcs_", api: "tca_", signing: "tch_" } as const;

export const SCOPES = [
  "report:read",
  "billing:read",
  "billing:export",
  "audit:read",
  "drift:read",
  "pipeline:read",
  "campaign:write",
  "key:manage",
] as const;
export type Scope = (typeof SCOPES)[number];

/** A `Record` over both, so that a new role or scope does not compile until it is decided. */
const GRANTS = {
  advertiser: {
    "report:read": true,
    "billing:read": true,
    "billing:export": true,
    "audit:read": false,
    "drift:read": false,
    "pipeline:read": false,
    "campaign:write": false,
    "key:manage": false,
  },
  account_manager: {
    "report:read": true,
    "billing:read": true,
    "billing:export": true,
    "audit:read": true,
    "drift:read": true,
    "pipeline:read": false,
    "campaign:write": true,
    "key:manage": false,
  },
  engineer: {
    "report:read": true,
    "billing:read": true,
    "billing:export": true,
    "audit:read": true,
    "drift:read": true,
    "pipeline:read": true,
    "campaign:write": true,
    "key:manage": true,
  },
} as const satisfies Record<string, Record<Scope, boolean>>;

export type Role = keyof typeof GRANTS;
export const ROLES = [
  "advertiser",
  "account_manager",
  "engineer",
] as const satisfies readonly Role[];

/** Roles of the operator's own staff see every advertiser; an advertiser's user sees its own. */
export const ROLE_SEES_ALL: Readonly<Record<Role, boolean>> = {
  advertiser: false,
  account_manager: true,
  engineer: true,
};

export function roleGrants(role: Role, scope: Scope): boolean {
  return GRANTS[role][scope];
}
