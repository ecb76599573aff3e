import { initTRPC, TRPCError } from "@trpc/server";
import type { Stores } from "@trueclick/db/stores";
import type { TenantScope } from "@trueclick/db/tenant";
import { ROLE_SEES_ALL, roleGrants, type Scope } from "@trueclick/shared/access";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import superjson from "superjson";
import { z } from "zod";
import type { Access } from "./access.ts";

export interface Context {
  readonly userId: string | null;
  readonly access: Access;
  readonly stores: Stores;
  /** The present, epoch milliseconds. */
  readonly nowMs: number;
}

const t = initTRPC.context<Context>().create({ transformer: superjson });

export const router = t.router;
export const createCallerFactory = t.createCallerFactory;

/**
 * The only way to make a procedure that touches an advertiser's data. There is no plain
 * `protectedProcedure` to reach for, so a scope cannot be forgotten, only chosen.
 *
 * Adds `advertiserId` to the input, and `role` and `tenant` to the context; `tenant` is what every
 * query asks for.
 *
 * @throws {TRPCError} UNAUTHORIZED without a session; FORBIDDEN for a member without the scope;
 *   NOT_FOUND for anyone else, because a 403 would confirm that the advertiser exists.
 */
export function scopedProcedure(scope: Scope) {
  return t.procedure
    .input(z.object({ advertiserId: advertiserIdSchema }))
    .use(async ({ ctx, input, next }) => {
      if (ctx.userId === null) throw new TRPCError({ code: "UNAUTHORIZED" });

      const role = await ctx.access.roleTowards(ctx.userId, input.advertiserId);
      if (role === null) throw new TRPCError({ code: "NOT_FOUND" });
      if (!roleGrants(role, scope)) {
        throw new TRPCError({ code: "FORBIDDEN", message: `Needs the scope ${scope}` });
      }
      const tenant: TenantScope = { kind: "advertisers", ids: [input.advertiserId] };
      return next({ ctx: { ...ctx, userId: ctx.userId, role, tenant } });
    });
}

/**
 * A procedure about the installation, not about one advertiser: for the operator's own staff only.
 *
 * @throws {TRPCError} UNAUTHORIZED without a session; FORBIDDEN without the scope or for a role
 *   that is bound to an advertiser.
 */
export function operatorProcedure(scope: Scope) {
  return t.procedure.use(async ({ ctx, next }) => {
    if (ctx.userId === null) throw new TRPCError({ code: "UNAUTHORIZED" });

    const role = await ctx.access.roleOf(ctx.userId);
    if (role === null || !ROLE_SEES_ALL[role] || !roleGrants(role, scope)) {
      throw new TRPCError({ code: "FORBIDDEN", message: `Needs the scope ${scope}` });
    }
    return next({ ctx: { ...ctx, userId: ctx.userId, role } });
  });
}
