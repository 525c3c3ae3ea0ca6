/**
 * What one decision costs, in this process, on one core: `node test/bench/decide.ts`. Prints microseconds per call; asserts nothing.
 */

import { buildGuards } from "../../sidecar/guards/pipeline.ts";
import { decide } from "../../sidecar/kernel/decide.ts";
import { MemoryBudgetStore, MemoryReplayStore, MemoryRevocationStore } from "../../sidecar/kernel/memory-stores.ts";
import { httpReceiptBody } from "../../sidecar/kernel/receipts.ts";
import { createTokenCache } from "../../sidecar/kernel/token-cache.ts";
import type { Call, DecideContext } from "../../sidecar/kernel/types.ts";
import { defaultPolicy } from "../../sidecar/policy/load.ts";
import { canonicalize } from "../../sidecar/wire/canonical.ts";
import { issueCapability } from "../../sidecar/wire/capability.ts";
import { sha256Hex } from "../../sidecar/wire/hash.ts";
import { signHttpReceiptWithText } from "../../sidecar/wire/http-receipt.ts";
import { callerIdentityHash } from "../../sidecar/wire/identity.ts";
import { Keypair } from "../../sidecar/wire/keys.ts";

const NOW = 1_710_000_400;
const issuer = Keypair.fromSeed(new Uint8Array(32).fill(0x0b));
const caller = { subject: "anonymous", auth_method: { method: "anonymous" }, verified: false } as const;
const callerHash = callerIdentityHash(caller);

const token = canonicalize(
  issueCapability(
    {
      id: "cap-bench",
      issuer: issuer.publicKeyHex,
      subject: Keypair.fromSeed(new Uint8Array(32).fill(0x0c)).publicKeyHex,
      scope: {
        grants: [
          { server_id: "http", tool_name: "GET /pets/{id}", operations: ["invoke"] },
          {
            server_id: "http",
            tool_name: "POST /pets",
            operations: ["invoke"],
            max_invocations: 0xffffffff,
            constraints: [{ type: "max_args_size", value: 8192 }],
          },
        ],
      },
      issued_at: NOW - 10,
      expires_at: NOW + 3600,
    },
    issuer,
  ),
);

const context = (overrides: Partial<DecideContext> = {}): DecideContext => ({
  now: NOW * 1000,
  trustedIssuers: new Set([issuer.publicKeyHex]),
  maxDelegationDepth: 4,
  revocations: new MemoryRevocationStore(),
  budgets: new MemoryBudgetStore(),
  replay: new MemoryReplayStore(),
  guards: [],
  policyHash: "ab".repeat(32),
  tokens: createTokenCache(),
  ...overrides,
});

function request(method: "GET" | "POST", pattern: string, path: string, body: string | null, capability: string | undefined): Call {
  const policy = capability === undefined ? "session_allow" : "deny_by_default";
  const route = { method, pattern, policy, approvalRequired: false, sensitivity: "internal", publish: true, websocket: false } as const;
  return {
    requestId: "018f0000-0000-7000-8000-000000000001",
    http: {
      method,
      route: { pattern, policy, route },
      path,
      query: {},
      bodyHash: body === null ? null : sha256Hex(body),
      ...(body === null ? {} : { body: Buffer.from(body) }),
    },
    caller,
    // A header arrives as a new string with every request.
    ...(capability === undefined ? {} : { capability: Buffer.from(capability).toString() }),
  };
}

function measure(
  name: string,
  make: () => Call,
  ctx: DecideContext,
  after: (call: Call, decision: ReturnType<typeof decide>) => unknown = () => null,
): void {
  const rounds = 5;
  const perRound = 20_000;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const calls = Array.from({ length: perRound }, make);
    const start = process.hrtime.bigint();
    for (const call of calls) {
      const decision = decide(call, ctx);
      if (!decision.allow) throw new Error(`${name}: ${decision.reason}`);
      after(call, decision);
    }
    best = Math.min(best, Number(process.hrtime.bigint() - start) / perRound / 1000);
  }
  console.log(`${name.padEnd(58)} ${best.toFixed(2).padStart(8)} us`);
}

const get = () => request("GET", "/pets/{id}", "/pets/1", null, token);
const post = () => request("POST", "/pets", "/pets", '{"name":"Rex"}', token);
const guards = buildGuards(defaultPolicy());

measure("open route, no token", () => request("GET", "/pets/{id}", "/pets/1", null, undefined), context());
measure("GET, cached token", get, context());
measure("POST, cached token, budget and constraint", post, context());
measure(`POST, the same, ${guards.length} guards of the default policy`, post, context({ guards }));
measure("GET, cached token, receipt body built", get, context(), (call, decision) =>
  httpReceiptBody(call, decision, {
    scope: "final",
    status: 200,
    timestamp: NOW,
    kernelKey: issuer.publicKeyHex,
    nonce: "n",
    callerIdentityHash: callerHash,
  }),
);
measure("GET, cached token, receipt built and signed", get, context(), (call, decision) =>
  signHttpReceiptWithText(
    httpReceiptBody(call, decision, {
      scope: "final",
      status: 200,
      timestamp: NOW,
      kernelKey: issuer.publicKeyHex,
      nonce: "n",
      callerIdentityHash: callerHash,
    }),
    issuer,
  ),
);
const { tokens: _tokens, ...uncached } = context();
measure("GET, token verified anew", get, uncached);

// The key of the token cache: the text, or its hash?
const texts = Array.from({ length: 50_000 }, () => Buffer.from(token).toString());
const byText = new Map([[token, 1]]);
const byHash = new Map([[sha256Hex(token), 1]]);
for (const [name, look] of [
  ["look-up by the text", (text: string) => byText.get(text)],
  ["look-up by its SHA-256", (text: string) => byHash.get(sha256Hex(text))],
] as const) {
  const start = process.hrtime.bigint();
  for (const text of texts) if (look(text) === undefined) throw new Error("not found");
  console.log(`${name.padEnd(58)} ${(Number(process.hrtime.bigint() - start) / texts.length / 1000).toFixed(2).padStart(8)} us`);
}
