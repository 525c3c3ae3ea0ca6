import { describe, expect, test } from "vitest";
import { verifyCapabilitySignature } from "../../sidecar/wire/capability.ts";
import { projectToToolReceipt, verifyHttpReceipt } from "../../sidecar/wire/http-receipt.ts";
import type { CapabilityToken, HttpReceipt } from "../../sidecar/wire/types.ts";
import type { RawAnswer } from "./harness/raw.ts";
import { get, request, type World, world } from "./harness/world.ts";

const w = world();
const post = async (target: string, body: unknown, headers: string[] = [], from: World = w): Promise<RawAnswer> => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const { answers } = await from.send(request("POST", target, ["Content-Type: application/json", ...headers], text), { answers: 1 });
  return answers[0]!;
};
const anonymous = { subject: "anonymous", auth_method: { method: "anonymous" }, verified: false };
const evaluation = (more: Record<string, unknown> = {}) => ({
  request_id: "r-1",
  method: "POST",
  route_pattern: "/ignored",
  path: "/admin",
  query: {},
  headers: {},
  caller: anonymous,
  timestamp: 1,
  ...more,
});

describe("health and liveness", () => {
  test("ready", async () => {
    const { answers } = await w.send(get("/chio/health"), { answers: 1 });
    expect(answers[0]?.status).toBe(200);
    expect(answers[0]?.json()).toMatchObject({
      status: "healthy",
      ok: true,
      kernel: "ready",
      policy_loaded: true,
      receipt_sink: "reachable",
      receipt_acknowledge: "ledger",
      guards_loaded: 4,
    });
  });
  test("ready but for the sinks, and nothing else is left out", async () => {
    const { answers } = await w.send(get("/chio/health?exclude=sinks"), { answers: 1 });
    expect(answers[0]?.status).toBe(200);
    expect(answers[0]?.json()).toMatchObject({ ok: true, receipt_sink: "reachable", excluded: ["sinks"] });
    for (const name of ["receipts", "shutdown", "sinks,receipts", "Sinks", ""])
      await w.refused(get(`/chio/health?exclude=${name}`), 400, "unknown_check");
    await w.refused(get("/chio/health?exclude=sinks&exclude=receipts"), 400, "duplicate_query_parameter");
  });
  test("alive", async () => {
    const { answers } = await w.send(get("/chio/live"), { answers: 1 });
    expect(answers[0]?.json()).toMatchObject({ status: "healthy", ok: true });
  });
  test("HEAD, other methods, other paths", async () => {
    expect((await w.send(request("HEAD", "/chio/health"), { answers: 1, head: true })).answers[0]?.status).toBe(200);
    const answer = await w.refused(request("POST", "/chio/health", [], "x"), 405, "method_not_allowed");
    expect(answer.header("allow")).toBe("GET, HEAD");
    await w.refused(get("/chio/other"), 404, "not_found");
    await w.refused(request("POST", "/chio/evaluate/", [], "{}"), 404, "not_found");
  });
  test("what is not ours under /v1 is the app's", async () => {
    await w.denied(get("/v1/other"));
    await w.forwarded(get("/v1/users", `X-Chio-Capability: ${w.token}`));
  });
});

describe("POST /chio/evaluate", () => {
  test("allows, and the receipt stands alone and is durable", async () => {
    const answer = await post("/chio/evaluate", evaluation(), [`X-Chio-Capability: ${w.token}`]);
    expect(answer.status).toBe(200);
    const { verdict, receipt, evidence } = answer.json() as { verdict: object; receipt: HttpReceipt; evidence: object[] };
    expect(verdict).toEqual({ verdict: "allow" });
    expect(evidence).toEqual(receipt.evidence);
    expect(verifyHttpReceipt(receipt, { trustedKeys: [w.sidecar.keypair.publicKeyHex] })).toMatchObject({ ok: true, authorized: true });
    expect(receipt).toMatchObject({ request_id: "r-1", route_pattern: "/admin", metadata: { chio_http_status_scope: "decision" } });
    expect(w.sidecar.receipts().map(({ id }) => id)).toContain(receipt.id);
  });
  test.each<[string, Record<string, unknown>, (token: string) => Record<string, unknown>]>([
    ["the described headers", {}, (token) => ({ headers: { "X-Chio-Capability": token } })],
    ["the described query", {}, (token) => ({ query: { chio_capability: token } })],
  ])("takes the capability from %s", async (_name, _more, from) => {
    const answer = await post("/chio/evaluate", evaluation(from(w.token)));
    expect(answer.json().verdict).toEqual({ verdict: "allow" });
  });
  test("denies with 200, and says why", async () => {
    const answer = await post("/chio/evaluate", evaluation());
    expect(answer.status).toBe(200);
    expect(answer.json().verdict).toMatchObject({
      verdict: "deny",
      guard: "CapabilityGuard",
      http_status: 403,
      details: { reason_code: "missing_capability_token" },
    });
  });
  test("tools: the arguments are guarded, and both names are needed", async () => {
    const tool = { path: "/chio/tools/files/read_file", tool_server: "files", tool_name: "read_file" };
    const headers = [`X-Chio-Capability: ${w.token}`];
    expect((await post("/chio/evaluate", evaluation({ ...tool, arguments: { path: "/tmp/a" } }), headers)).json().verdict).toEqual({
      verdict: "allow",
    });
    expect(
      (await post("/chio/evaluate", evaluation({ ...tool, arguments: { path: "/etc/shadow" } }), headers)).json().verdict,
    ).toMatchObject({ verdict: "deny", guard: "forbidden-path" });
    expect((await post("/chio/evaluate", evaluation({ tool_server: "files" }), headers)).json().verdict).toMatchObject({
      details: { reason_code: "tool_identity_incomplete" },
    });
  });
  test("a hint that names another token", async () => {
    const answer = await post("/chio/evaluate", evaluation({ capability_id: "other" }), [`X-Chio-Capability: ${w.token}`]);
    expect(answer.json().verdict).toMatchObject({ details: { reason_code: "capability_id_mismatch" } });
  });
  test("unknown keys pass, as SDKs send them", async () => {
    expect((await post("/chio/evaluate", evaluation({ metadata: { a: 1 }, capability: null }))).status).toBe(200);
  });
  test.each<[string, unknown]>([
    ["no JSON", "{"],
    ["duplicate keys", '{"request_id":"a","request_id":"b"}'],
    ["a list", "[]"],
    ["no request id", evaluation({ request_id: undefined })],
    ["another method", evaluation({ method: "TRACE" })],
    ["a lower-case method", evaluation({ method: "post" })],
    ["a path without a slash", evaluation({ path: "admin" })],
    ["a path with dot segments", evaluation({ path: "/open/../admin" })],
    ["a path with a query in it", evaluation({ path: "/open?x=1" })],
    ["a path with an encoded slash", evaluation({ path: "/open%2fadmin" })],
    ["a query of numbers", evaluation({ query: { a: 1 } })],
    ["a body hash that is none", evaluation({ body_hash: "XYZ" })],
    ["no caller", evaluation({ caller: undefined })],
    ["another way to authenticate", evaluation({ caller: { ...anonymous, auth_method: { method: "magic" } } })],
    ["headers that collide", evaluation({ headers: { "X-A": "1", "x-a": "2" } })],
  ])("400 for %s", async (_name, body) => {
    const answer = await post("/chio/evaluate", body);
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ error: "chio_bad_request" });
  });
  test("two different capabilities", async () => {
    const other = JSON.stringify(w.sidecar.capability());
    const answer = await post("/chio/evaluate", evaluation({ headers: { "X-Chio-Capability": other } }), [`X-Chio-Capability: ${w.token}`]);
    expect(answer.json()).toMatchObject({ error: "chio_bad_request", reason: "capability_conflict" });
  });
  test("two different capabilities in the request that is described", async () => {
    const other = JSON.stringify(w.sidecar.capability());
    const described = evaluation({ headers: { "X-Chio-Capability": w.token }, query: { chio_capability: other } });
    const answer = await post("/chio/evaluate", described);
    expect(answer.json()).toMatchObject({ error: "chio_bad_request", reason: "capability_conflict" });
    const twice = evaluation({ headers: { "X-Chio-Capability": w.token }, query: { chio_capability: w.token } });
    expect((await post("/chio/evaluate", twice)).status).toBe(200);
  });
});

describe("POST /chio/verify and /v1/receipts/verify", () => {
  const lastReceipt = async () => {
    await post("/chio/evaluate", evaluation(), [`X-Chio-Capability: ${w.token}`]);
    return w.sidecar.receipts().at(-1)!;
  };
  test("a receipt of this sidecar", async () => {
    const receipt = await lastReceipt();
    expect((await post("/chio/verify", receipt)).json()).toMatchObject({
      ok: true,
      authorized: true,
      signature_valid: true,
      signer_trusted: true,
      receipt_id_valid: true,
      parameter_hash_valid: true,
      result: "allow",
    });
  });
  test("a changed one", async () => {
    const receipt = await lastReceipt();
    expect((await post("/chio/verify", { ...receipt, response_status: 500 })).json()).toMatchObject({
      ok: false,
      authorized: false,
      receipt_id_valid: false,
    });
  });
  test("no receipt", async () => {
    const answer = await post("/chio/verify", { id: 1 });
    expect(answer.status).toBe(400);
    expect(answer.json().message).toMatch(/^invalid HttpReceipt payload: /);
  });
  test("a tool receipt, with what is expected of it", async () => {
    const receipt = projectToToolReceipt(await lastReceipt(), w.sidecar.keypair);
    const verify = async (more: object) => (await post("/v1/receipts/verify", { ...receipt, ...more })).json();
    expect(await verify({})).toMatchObject({ valid: true, receipt_id: receipt.id, signed_at: receipt.timestamp, decision: "allow" });
    expect(await verify({ expected_decision: "allow", expected_capability_id: receipt.capability_id })).toMatchObject({ valid: true });
    expect(await verify({ expected_decision: "deny" })).toMatchObject({
      valid: false,
      reason: "decision allow does not match expected deny",
    });
    expect(await verify({ expected_capability_id: "x" })).toMatchObject({
      valid: false,
      reason: "receipt capability_id does not match expected_capability_id",
    });
    expect(await verify({ tool_name: "other" })).toMatchObject({ valid: false });
    expect(await verify({ signature: "0".repeat(128) })).toMatchObject({ valid: false, reason: "receipt signature did not verify" });
  });
});

describe("capabilities", () => {
  const mint = async (body: object) => (await post("/v1/capabilities/mint", body)).json().capability as CapabilityToken;
  test("mint, use, validate, release", async () => {
    const token = await mint({ subject: "job", scopes: ["tool:http:GET /admin:invoke"], ttl_seconds: 60, job_uid: "u1" });
    expect(verifyCapabilitySignature(token)).toBe(true);
    expect(token.expires_at - token.issued_at).toBe(60);
    expect(token.id).toMatch(/^sidecar-[0-9a-f]{64}$/);
    await w.forwarded(get("/admin", `X-Chio-Capability: ${JSON.stringify(token)}`));
    const validate = async (more: object = {}) => (await post("/v1/capabilities/validate", { ...token, ...more })).json();
    expect(await validate()).toEqual({ valid: true, expires_at: token.expires_at, capability_id: token.id });
    expect(await validate({ expected_subject: "x" })).toMatchObject({
      valid: false,
      reason: "capability subject does not match expected_subject",
    });
    expect(await validate({ expected_scope: { grants: [{ server_id: "*", tool_name: "*", operations: ["invoke"] }] } })).toMatchObject({
      valid: false,
      reason: "expected_scope is not a subset of capability scope",
    });
    expect((await post("/v1/capabilities/release", { capability_id: token.id, reason: "done" })).json()).toEqual({ released: true });
    expect(await validate()).toMatchObject({ valid: false, reason: "capability has been revoked" });
    await w.denied(get("/admin", `X-Chio-Capability: ${JSON.stringify(token)}`), "capability_revoked");
  });
  test("the id is that of the job and its scope, the subject that of the job", async () => {
    const [one, two, other] = [
      await mint({ subject: "a", scopes: ["tools:x"], job_uid: "1" }),
      await mint({ subject: "a", scopes: ["tools:x"], job_uid: "1" }),
      await mint({ subject: "a", scopes: ["tools:x"], job_uid: "2" }),
    ];
    expect(two!.id).toBe(one!.id);
    expect(other!.id).not.toBe(one!.id);
    expect(other!.subject).not.toBe(one!.subject);
  });
  test.each<[string, object]>([
    ["tools:a:b", { grants: [{ server_id: "*", tool_name: "a:b", operations: ["invoke"] }] }],
    ["echo:call", { grants: [{ server_id: "*", tool_name: "echo", operations: ["invoke"] }] }],
    ["echo:write", { grants: [{ server_id: "*", tool_name: "echo", operations: ["invoke"] }] }],
    ["tool: srv : echo :result", { grants: [{ server_id: "srv", tool_name: "echo", operations: ["read_result"] }] }],
    ["resource:https://a/b:watch", { resource_grants: [{ uri_pattern: "https://a/b", operations: ["subscribe"] }] }],
    ["prompt:p:get", { prompt_grants: [{ prompt_name: "p", operations: ["get"] }] }],
  ])("scope %s", async (scope, expected) => {
    expect((await mint({ subject: "a", scopes: [scope] })).scope).toEqual(expected);
  });
  test.each<[string, object, string]>([
    ["an empty subject", { subject: " ", scopes: ["tools:x"] }, "subject must not be empty"],
    ["an unknown scope", { subject: "a", scopes: ["a:b:c"] }, "unsupported controller scope syntax: a:b:c"],
    ["an unknown operation", { subject: "a", scopes: ["tool:a:b:fly"] }, "unsupported controller scope syntax: tool:a:b:fly"],
    ["no scope", { subject: "a", scopes: [] }, "the scope grants nothing"],
    ["a longer life than the policy gives", { subject: "a", scopes: ["tools:x"], ttl_seconds: 10_000_000 }, "max_capability_ttl"],
  ])("400 for %s", async (_name, body, message) => {
    const answer = await post("/v1/capabilities/mint", body);
    expect(answer.status).toBe(400);
    expect(answer.json().message).toContain(message);
  });
  test("the SDKs' shape answers the token itself", async () => {
    const scope = { grants: [{ server_id: "a", tool_name: "b", operations: ["invoke"] }] };
    const token = (await post("/v1/capabilities", { subject: "a", scope, ttl_seconds: 5 })).json() as unknown as CapabilityToken;
    expect(token.scope).toEqual(scope);
    expect(verifyCapabilitySignature(token)).toBe(true);
  });
  test("attenuation is the subject's to sign", async () => {
    const answer = await post("/v1/capabilities/attenuate", { parent_token: {}, new_scope: {} });
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({ error: "chio_attenuation_requires_subject_signer", authorization: false });
  });
});

describe("control routes with a token", () => {
  const guarded = world({ controlToken: "s3cret-control-token" });
  const mintWith = (headers: string[]) => post("/v1/capabilities/mint", { subject: "a", scopes: ["tools:x"] }, headers, guarded);
  test("the token, in any case of its scheme", async () => {
    for (const scheme of ["Bearer", "bearer", "BEARER"])
      expect((await mintWith([`Authorization: ${scheme} s3cret-control-token`])).status).toBe(200);
    const { answers } = await guarded.send(get("/metrics", "Authorization: Bearer s3cret-control-token"), { answers: 1 });
    expect(answers[0]?.header("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(answers[0]?.body).toContain("chio_requests_total");
  });
  test.each([
    [[]],
    [["Authorization: Bearer s3cret-control-toke"]],
    [["Authorization: Bearer s3cret-control-token2"]],
    [["Authorization: s3cret-control-token"]],
    [["Authorization: Basic s3cret-control-token"]],
    [["Authorization: Bearer "]],
    [["Authorization: Bearer  s3cret-control-token"]],
  ])("403 for %j, from loopback too", async (headers) => {
    const answer = await mintWith(headers);
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({
      error: "chio_control_forbidden",
      message: "sidecar control endpoints require a loopback caller or valid bearer token",
    });
  });
  test("health, liveness and evaluation need none", async () => {
    for (const path of ["/chio/health", "/chio/live"]) expect((await guarded.send(get(path), { answers: 1 })).answers[0]?.status).toBe(200);
    expect((await post("/chio/evaluate", evaluation(), [], guarded)).status).toBe(200);
  });
  test("the token does not reach the app", async () => {
    const { seen } = await guarded.forwarded(get("/open", "X-Chio-Control: s3cret-control-token"));
    expect(JSON.stringify(seen.headers)).not.toContain("s3cret");
  });
});
