import { describe, expect, it } from "vitest";
import { decide } from "../../../sidecar/kernel/decide.ts";
import { createTokenCache } from "../../../sidecar/kernel/token-cache.ts";
import { acceptToken, type VerifiedToken } from "../../../sidecar/kernel/verify-token.ts";
import { asText, context, grant, issue, NOW, STRANGER, toolCall } from "./support.ts";

const SCOPE = { grants: [grant("srv", "tool")] };
const verified = (id: string, expires = NOW + 400) => acceptToken(issue(SCOPE, { id, expires_at: expires }), 4) as VerifiedToken;

describe("token cache", () => {
  it("gives back what was put in, until it expires", () => {
    const cache = createTokenCache();
    const entry = verified("a", NOW + 10);
    cache.put("text", entry);
    expect(cache.get("text", NOW + 9)).toBe(entry);
    expect(cache.get("other", NOW)).toBeUndefined();
    expect(cache.get("text", NOW + 10)).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it("gives nothing back when the clock cannot be read", () => {
    const cache = createTokenCache();
    cache.put("text", verified("a"));
    expect(cache.get("text", Number.NaN)).toBeUndefined();
  });

  it("drops the least recently used entry when it is full", () => {
    const cache = createTokenCache({ maxEntries: 2 });
    cache.put("a", verified("a"));
    cache.put("b", verified("b"));
    cache.get("a", NOW);
    cache.put("c", verified("c"));
    expect(cache.get("b", NOW)).toBeUndefined();
    expect(cache.get("a", NOW)).toBeDefined();
    expect(cache.size).toBe(2);
  });

  it("is bounded in text too", () => {
    const cache = createTokenCache({ maxTotalLength: 10 });
    cache.put("123456", verified("a"));
    cache.put("abcdef", verified("b"));
    expect(cache.size).toBe(1);
    cache.put("x".repeat(11), verified("c"));
    expect(cache.size).toBe(1);
    cache.put("abcdef", verified("b"));
    cache.put("1234", verified("d"));
    expect(cache.size).toBe(2);
  });

  it("forgets a token and its descendants when one is revoked", () => {
    const cache = createTokenCache();
    cache.put("child", { ...verified("child"), lineage: ["child", "parent"] });
    cache.put("other", verified("other"));
    cache.invalidate("parent");
    expect(cache.get("child", NOW)).toBeUndefined();
    expect(cache.get("other", NOW)).toBeDefined();
    cache.clear();
    expect(cache.size).toBe(0);
  });
});

describe("decide with a cache", () => {
  it("keeps only tokens that were accepted in full", () => {
    const ctx = context();
    decide(toolCall(issue(SCOPE, { issuer: STRANGER.publicKeyHex }, STRANGER)), ctx);
    decide(toolCall(asText(issue(SCOPE)).replace('"tool"', '"loot"')), ctx);
    decide(toolCall(issue(SCOPE, { budget_share_bps: 1 })), ctx);
    decide(toolCall(issue(SCOPE, { expires_at: NOW })), ctx);
    expect(ctx.tokens?.size).toBe(0);
    decide(toolCall(issue(SCOPE)), ctx);
    expect(ctx.tokens?.size).toBe(1);
  });

  it("judges time, revocation, trust and budget anew on every call", () => {
    const ctx = context();
    const call = toolCall(issue({ grants: [grant("srv", "tool", { max_invocations: 2 })] }, { id: "t" }));
    expect(decide(call, ctx).reasonCode).toBe("allowed");
    expect(decide(call, { ...ctx, now: (NOW - 201) * 1000 }).reasonCode).toBe("capability_not_yet_valid");
    expect(decide(call, { ...ctx, now: (NOW + 400) * 1000 }).reasonCode).toBe("capability_expired");
    expect(decide(call, { ...ctx, trustedIssuers: new Set() }).reasonCode).toBe("issuer_untrusted");
    expect(decide(call, ctx).reasonCode).toBe("allowed");
    expect(decide(call, ctx).reasonCode).toBe("invocations_exhausted");
    ctx.revocations.revoke("t");
    expect(decide(call, ctx).reasonCode).toBe("capability_revoked");
    expect(ctx.tokens?.size).toBe(0);
  });

  it("knows a text by all of it: whitespace makes another text of the same token", () => {
    const ctx = context();
    const token = issue(SCOPE);
    decide(toolCall(asText(token)), ctx);
    decide(toolCall(` ${asText(token)}`), ctx);
    expect(ctx.tokens?.size).toBe(2);
    const changed = asText(token).replace(/.$/, " ");
    expect(decide(toolCall(changed), ctx).reasonCode).toBe("capability_malformed");
  });

  it("comes to the same decisions without one", () => {
    const { tokens: _tokens, ...ctx } = context();
    const call = toolCall(issue(SCOPE));
    expect(decide(call, ctx)).toEqual(decide(call, context()));
  });
});
