import { describe, expect, it } from "vitest";
import { decide } from "../../../sidecar/kernel/decide.ts";
import { denied } from "../../../sidecar/kernel/decision.ts";
import { httpReceiptBody, incompleteReceiptFor, receiptIndex, toolReceiptBody } from "../../../sidecar/kernel/receipts.ts";
import { kernelSigner } from "../../../sidecar/kernel/signer.ts";
import { uuidv7 } from "../../../sidecar/kernel/uuid.ts";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import { signHttpReceipt, verifyHttpReceipt } from "../../../sidecar/wire/http-receipt.ts";
import { callerIdentityHash, httpContentHash } from "../../../sidecar/wire/identity.ts";
import { signReceipt, verifyReceipt } from "../../../sidecar/wire/receipt.ts";
import { parseHttpReceipt, parseToolReceipt } from "../../../sidecar/wire/receipt-parse.ts";
import { context, grant, httpCall, issue, keyOf, NOW, POLICY_HASH, SUBJECT, toolCall } from "./support.ts";

const KERNEL = keyOf(7);
const trusted = { trustedKeys: new Set([KERNEL.publicKeyHex]) };
const facts = { timestamp: NOW, kernelKey: KERNEL.publicKeyHex, nonce: "018f0000-0000-7000-8000-00000000000a" };
const caller = callerIdentityHash({ subject: "anonymous", auth_method: { method: "anonymous" }, verified: false });
const token = issue({ grants: [grant("*", "*", { max_total_cost: { units: 100, currency: "USD" } })] }, { id: "cap-r" });

describe("HTTP receipts", () => {
  const call = {
    ...httpCall(token, { pattern: "/pets/{id}", path: "/pets/1", query: { q: "x" }, body: "b", route: { budgetLimit: 3 } }),
    sessionId: "s1",
  };

  it("of an allowed call verify, and say what was decided", () => {
    const decision = decide(call, context());
    const body = httpReceiptBody(call, decision, { ...facts, scope: "decision", status: 200, callerIdentityHash: caller });
    expect(body).toMatchObject({
      request_id: call.requestId,
      route_pattern: "/pets/{id}",
      method: "POST",
      session_id: "s1",
      capability_id: "cap-r",
      caller_identity_hash: caller,
      verdict: { verdict: "allow" },
      response_status: 200,
      policy_hash: POLICY_HASH,
      content_hash: httpContentHash({
        method: "POST",
        path: "/pets/1",
        query: { q: "x" },
        routePattern: "/pets/{id}",
        bodyHash: call.http!.bodyHash,
      }),
      metadata: {
        chio_http_status_scope: "decision",
        chio_receipt_signing_nonce: facts.nonce,
        chio_subject: SUBJECT.publicKeyHex,
        chio_cost: { units: 3n, currency: "USD" },
      },
    });
    const receipt = signHttpReceipt(body, KERNEL);
    expect(verifyHttpReceipt(receipt, trusted)).toMatchObject({ ok: true, authorized: true });
    expect(parseHttpReceipt(canonicalize(receipt)).id).toBe(receipt.id);
  });

  it("of a denial name the reason, and are never authorising", () => {
    const decision = decide(httpCall(undefined), context());
    const body = httpReceiptBody(httpCall(undefined), decision, { ...facts, scope: "final", status: 403, callerIdentityHash: caller });
    expect(body.verdict).toEqual({
      verdict: "deny",
      reason: "side-effect route requires a capability token",
      guard: "CapabilityGuard",
      http_status: 403,
      details: { reason_code: "missing_capability_token", hint: decision.suggestion },
    });
    expect(body.capability_id).toBeUndefined();
    expect(body.evidence).toHaveLength(1);
    expect(verifyHttpReceipt(signHttpReceipt(body, KERNEL), trusted)).toMatchObject({ ok: true, authorized: false, decision: "deny" });
  });

  it("name the decision that they complete, and how a call was given up", () => {
    const decision = decide(call, context());
    const body = httpReceiptBody(call, decision, {
      ...facts,
      scope: "final",
      status: 499,
      callerIdentityHash: caller,
      decisionReceiptId: "d".repeat(64),
      aborted: { as: "cancel", reason: "the client went away" },
      metadata: { upstream: "x", chio_http_status_scope: "forged" },
    });
    expect(body.verdict).toEqual({ verdict: "cancel", reason: "the client went away" });
    expect(body.metadata).toMatchObject({ chio_decision_receipt_id: "d".repeat(64), chio_http_status_scope: "final", upstream: "x" });
    expect(receiptIndex(body).outcome).toBe("cancelled");
  });

  it("have their keys in canonical order, so that they are written the short way", () => {
    const allow = decide(call, context());
    const tool = { ...call, tool: { serverId: "s", toolName: "t", arguments: null } };
    const denial = denied({ code: "guard_denied" }, tool, context(), allow.capability, {
      guard: "g",
      evidence: [{ details: "d", guard_name: "g", verdict: false }],
    });
    for (const decision of [allow, denied({ code: "missing_capability_token" }, call, context()), denial]) {
      for (const aborted of [undefined, { as: "cancel", reason: "gone" } as const]) {
        const more = {
          scope: "final",
          status: 200,
          callerIdentityHash: caller,
          decisionReceiptId: sha256Hex("d"),
          ...(aborted && { aborted }),
        } as const;
        const { metadata, evidence, verdict } = httpReceiptBody(tool, decision, { ...facts, ...more });
        for (const object of [metadata!, metadata!.chio_cost ?? {}, verdict, "details" in verdict ? verdict.details : {}, ...evidence]) {
          expect(Object.keys(object as object)).toEqual(Object.keys(object as object).toSorted());
        }
      }
    }
  });

  it("of equal calls in the same second differ by their nonce", () => {
    const decision = decide(call, context());
    const ids = [facts.nonce, uuidv7(NOW * 1000, new Uint8Array(10).fill(1))].map(
      (nonce) =>
        signHttpReceipt(
          httpReceiptBody(call, decision, { ...facts, nonce, scope: "decision", status: 200, callerIdentityHash: caller }),
          KERNEL,
        ).id,
    );
    expect(new Set(ids).size).toBe(2);
  });
});

describe("tool receipts", () => {
  const call = { ...toolCall(token, { path: "/a" }), tenantId: "t1" };

  it("verify, with the parameters and their hash", () => {
    const body = toolReceiptBody(call, decide(call, context()), { ...facts, scope: "final", contentHash: sha256Hex("1") });
    expect(body).toMatchObject({
      tool_server: "srv",
      tool_name: "tool",
      tenant_id: "t1",
      capability_id: "cap-r",
      content_hash: sha256Hex("1"),
    });
    expect(body.action).toEqual({ parameters: { path: "/a" }, parameter_hash: sha256Hex('{"path":"/a"}') });
    const receipt = signReceipt(body, KERNEL);
    expect(verifyReceipt(receipt, trusted)).toMatchObject({ ok: true, authorized: true });
    expect(receiptIndex(receipt)).toEqual({
      timestamp: NOW,
      capabilityId: "cap-r",
      toolServer: "srv",
      toolName: "tool",
      outcome: "allow",
      tenantId: "t1",
      subject: SUBJECT.publicKeyHex,
      costUnits: 0n,
      costCurrency: "USD",
    });
  });

  it("of a call without a result hash null, and a denial has no capability", () => {
    const refused = toolCall(undefined);
    const body = toolReceiptBody(refused, decide(refused, context()), { ...facts, scope: "final" });
    expect(body.content_hash).toBe(sha256Hex("null"));
    expect(body.capability_id).toBe("");
    expect(receiptIndex(body)).toEqual({ timestamp: NOW, toolServer: "srv", toolName: "tool", outcome: "deny" });
  });

  it("stand for resources, prompts and requests too", () => {
    const { tool: _tool, ...bare } = call;
    const of = (target: object) => {
      const full = { ...bare, ...target };
      const { tool_server, tool_name, action } = toolReceiptBody(full, denied({ code: "scope_mismatch" }, full, context()), {
        ...facts,
        scope: "final",
      });
      return [tool_server, tool_name, action.parameters];
    };
    expect(of({ resource: { uri: "note://1", operation: "read" } })).toEqual([
      "resources",
      "note://1",
      { uri: "note://1", operation: "read" },
    ]);
    expect(of({ prompt: { name: "p", arguments: [1] } })).toEqual(["prompts", "p", [1]]);
    expect(of({ http: httpCall(undefined).http })).toEqual([
      "http",
      "POST /pets",
      { method: "POST", route: "/pets", request_id: call.requestId },
    ]);
  });

  it("that were cancelled or never ended say so", () => {
    const decision = decide(call, context());
    const aborted = (as: "cancel" | "incomplete") =>
      toolReceiptBody(call, decision, { ...facts, scope: "final", aborted: { as, reason: "r" } }).decision;
    expect(aborted("cancel")).toEqual({ verdict: "cancelled", reason: "r" });
    expect(aborted("incomplete")).toEqual({ verdict: "incomplete", reason: "r" });
  });
});

describe("recovery", () => {
  const signer = kernelSigner(KERNEL, () => "018f0000-0000-7000-8000-00000000000b");

  it("completes an open HTTP decision", () => {
    const call = httpCall(token, { pattern: "/pets" });
    const body = httpReceiptBody(call, decide(call, context()), { ...facts, scope: "decision", status: 200, callerIdentityHash: caller });
    const decision = signHttpReceipt(body, KERNEL);
    const entry = signer.completeOpenDecision(canonicalize(decision), "http", (NOW + 60) * 1000);
    const receipt = parseHttpReceipt(entry.canonicalJson);
    expect(verifyHttpReceipt(receipt, trusted)).toMatchObject({ ok: true, authorized: false, decision: "incomplete" });
    expect(entry).toMatchObject({
      receiptId: receipt.id,
      kind: "http",
      closes: decision.id,
      index: { outcome: "incomplete", timestamp: NOW + 60 },
    });
    expect(receipt).toMatchObject({
      request_id: decision.request_id,
      content_hash: decision.content_hash,
      response_status: 500,
      capability_id: "cap-r",
    });
    expect(receipt.metadata).toMatchObject({ chio_decision_receipt_id: decision.id, chio_http_status_scope: "final" });
    expect(receipt.evidence.at(-1)?.guard_name).toBe("Recovery");
  });

  it("completes an open tool decision", () => {
    const call = toolCall(token, { path: "/a" });
    const decision = signReceipt(toolReceiptBody(call, decide(call, context()), { ...facts, scope: "decision" }), KERNEL);
    const entry = signer.completeOpenDecision(canonicalize(decision), "tool", (NOW + 60) * 1000);
    const receipt = parseToolReceipt(entry.canonicalJson);
    expect(verifyReceipt(receipt, trusted)).toMatchObject({ ok: true, authorized: false, decision: "incomplete" });
    expect(entry.closes).toBe(decision.id);
    expect(receipt.action).toEqual(decision.action);
  });

  it("makes no receipt of what is none", () => {
    expect(() => signer.completeOpenDecision("{}", "http", 0)).toThrow();
  });

  it("keeps the reasons of the decision's evidence", () => {
    const call = toolCall(token);
    const decision = signReceipt(toolReceiptBody(call, decide(call, context()), { ...facts, scope: "decision" }), KERNEL);
    const body = incompleteReceiptFor(decision, { now: NOW, kernelKey: KERNEL.publicKeyHex, nonce: "n" });
    expect(body.evidence?.map((entry) => entry.guard_name)).toEqual(["CapabilityGuard", "Recovery"]);
    expect("signature" in body || "id" in body).toBe(false);
  });
});

describe("decisions that are made elsewhere", () => {
  it("use the same catalogue", () => {
    const decision = denied({ code: "tool_identity_incomplete" }, httpCall(undefined), context());
    expect(decision).toMatchObject({
      allow: false,
      reasonCode: "tool_identity_incomplete",
      reason: "tool-call evaluation requires both tool_server and tool_name",
      httpStatus: 403,
      state: [],
    });
  });
});

describe("uuidv7", () => {
  it("has its version, variant and time, and sorts by it", () => {
    const random = new Uint8Array(10).fill(0xff);
    const id = uuidv7(1_710_000_000_123, random);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(1_710_000_000_123);
    expect(uuidv7(1_710_000_000_124, new Uint8Array(10)) > id).toBe(true);
    expect(random).toEqual(new Uint8Array(10).fill(0xff));
  });
  it("does not come from too little randomness", () => {
    expect(() => uuidv7(0, new Uint8Array(9))).toThrow(RangeError);
  });
});
