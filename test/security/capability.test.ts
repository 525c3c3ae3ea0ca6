import { describe, expect, test } from "vitest";
import type { CapabilityToken } from "../../sidecar/wire/types.ts";
import { get, request, world } from "./harness/world.ts";

const w = world();
const bearer = (token: string) => `Authorization: Bearer ${Buffer.from(token).toString("base64url")}`;
const everything = (seen: { target: string; headers: [string, string][] }) => JSON.stringify([seen.target, seen.headers]);

describe("capabilities on their three ways", () => {
  test("as a header, stripped", async () => {
    const { seen } = await w.forwarded(get("/admin?a=1", `X-Chio-Capability: ${w.token}`));
    expect(everything(seen)).not.toMatch(/signature|chio/i);
    expect(seen.target).toBe("/admin?a=1");
  });
  test.each([
    ["alone", (pair: string) => `?${pair}`, "/admin"],
    ["first", (pair: string) => `?${pair}&b=%20x&c`, "/admin?b=%20x&c"],
    ["between", (pair: string) => `?a=1&${pair}&b=+x`, "/admin?a=1&b=+x"],
    ["last", (pair: string) => `?a=1&b=2&${pair}`, "/admin?a=1&b=2"],
  ])("in the query, %s: only that pair is taken out", async (_name, query, expected) => {
    const { seen } = await w.forwarded(get(`/admin${query(`chio_capability=${encodeURIComponent(w.token)}`)}`));
    expect(seen.target).toBe(expected);
    expect(everything(seen)).not.toMatch(/signature/);
  });
  test("with an encoded name in the query, likewise", async () => {
    const { seen } = await w.forwarded(get(`/admin?%63hio_capability=${encodeURIComponent(w.token)}`));
    expect(seen.target).toBe("/admin");
  });
  test.each(["base64url", "base64"] as const)("as a bearer in %s, stripped with its header", async (encoding) => {
    const { seen } = await w.forwarded(get("/admin", `Authorization: Bearer ${Buffer.from(w.token).toString(encoding)}`));
    expect(everything(seen)).not.toMatch(/authorization/i);
  });
  test("a bearer that is no capability is the caller's own: it arrives, and the receipt has its hash", async () => {
    const { seen } = await w.forwarded(get("/admin", `X-Chio-Capability: ${w.token}`, "Authorization: Bearer eyJhbGciOiJub25lIn0.e30."));
    expect(seen.headers).toContainEqual(["Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."]);
    const withBearer = w.sidecar.receipts().at(-1)!.caller_identity_hash;
    await w.forwarded(get("/admin", `X-Chio-Capability: ${w.token}`));
    expect(w.sidecar.receipts().at(-1)!.caller_identity_hash).not.toBe(withBearer);
  });
  test("a proof for the sidecar is taken out; any other DPoP header is the app's", async () => {
    const { seen } = await w.forwarded(get("/open", 'DPoP: {"proof":1}'));
    expect(everything(seen)).not.toMatch(/dpop|proof/i);
    const other = await w.forwarded(get("/open", "DPoP: eyJhbGciOiJFZERTQSJ9.e30.c2ln"));
    expect(other.seen.headers).toContainEqual(["DPoP", "eyJhbGciOiJFZERTQSJ9.e30.c2ln"]);
  });
  test("Basic and x-api-key arrive", async () => {
    const { seen } = await w.forwarded(get("/open", "Authorization: Basic dTpw", "X-Api-Key: k"));
    expect(seen.headers).toContainEqual(["Authorization", "Basic dTpw"]);
    expect(seen.headers).toContainEqual(["X-Api-Key", "k"]);
  });
});

describe("capabilities that are none", () => {
  const changed = (change: (token: CapabilityToken) => void) => {
    const token = JSON.parse(w.token) as CapabilityToken;
    change(token);
    return JSON.stringify(token);
  };
  const ways: [string, (token: string) => string][] = [
    ["header", (token) => get("/open", `X-Chio-Capability: ${token}`)],
    ["query", (token) => get(`/open?chio_capability=${encodeURIComponent(token)}`)],
    ["bearer", (token) => get("/open", bearer(token))],
  ];
  describe.each(ways)("as %s, on a route that asks for none", (_name, bytes) => {
    test.each<[string, string, () => string]>([
      [
        "a changed signature",
        "signature_invalid",
        () =>
          changed((token) => {
            token.signature = `${token.signature.startsWith("0") ? "1" : "0"}${token.signature.slice(1)}`;
          }),
      ],
      [
        "a widened scope",
        "signature_invalid",
        () =>
          changed((token) => {
            token.scope.grants![0]!.max_invocations = 9;
          }),
      ],
      [
        "an unknown field",
        "capability_malformed",
        () =>
          changed((token) => {
            (token as unknown as Record<string, unknown>).extra = 1;
          }),
      ],
      ["an expired one", "capability_expired", () => JSON.stringify(w.sidecar.capability(undefined, { issuedAt: 1, expiresAt: 2 }))],
      [
        "one for later",
        "capability_not_yet_valid",
        () => JSON.stringify(w.sidecar.capability(undefined, { issuedAt: 4_000_000_000, expiresAt: 4_000_000_100 })),
      ],
    ])("%s", async (_what, reason, token) => {
      await w.denied(bytes(token()), reason);
    });
  });
  test("text that is no token", async () => {
    await w.denied(get("/open", "X-Chio-Capability: nonsense"), "capability_malformed");
    await w.denied(get("/open", "X-Chio-Capability:"), "capability_malformed");
    await w.denied(get("/open?chio_capability="), "capability_malformed");
  });
  test("a broken bearer that was meant as one is denied, and does not reach the app", async () => {
    await w.denied(get("/open", bearer(`${w.token.slice(0, -10)}`)), "capability_malformed");
  });
  test("bytes that are no text", async () => {
    await w.refused(get("/open", `X-Chio-Capability: {"id":"\xff"}`), 400, "capability_undecodable");
  });
});

describe("what a capability covers", () => {
  const grant = (server: string, tool: string) =>
    `X-Chio-Capability: ${JSON.stringify(w.sidecar.capability([{ server_id: server, tool_name: tool, operations: ["invoke"] }]))}`;
  test("one route, one method", async () => {
    const line = grant("http", "GET /admin");
    await w.forwarded(get("/admin", line));
    await w.denied(request("POST", "/admin", [line], "x"), "scope_mismatch");
    await w.denied(get("/other", line), "scope_mismatch");
    await w.denied(get("/admin/", line), "scope_mismatch");
  });
  test("all of HTTP by upstream's name for it", async () => {
    await w.forwarded(get("/admin", grant("chio_http_authority", "authorize_http_request")));
  });
  test("once is once, also at the same time", async () => {
    const token = w.sidecar.capability([{ server_id: "http", tool_name: "GET /admin", operations: ["invoke"], max_invocations: 1 }]);
    const bytes = get("/admin", `X-Chio-Capability: ${JSON.stringify(token)}`);
    const answers = await Promise.all(Array.from({ length: 8 }, () => w.send(bytes, { answers: 1 })));
    expect(answers.map(({ answers: [answer] }) => answer?.status).sort()).toEqual([200, 403, 403, 403, 403, 403, 403, 403]);
  });
});

describe("43 a decision that was cached does not outlive its revocation", () => {
  test("release, and the next call is denied", async () => {
    const token = w.sidecar.capability();
    const bytes = get("/admin", `X-Chio-Capability: ${JSON.stringify(token)}`);
    await w.forwarded(bytes);
    await w.forwarded(bytes);
    const { answers } = await w.send(
      request("POST", "/v1/capabilities/release", ["Content-Type: application/json"], JSON.stringify({ capability_id: token.id })),
      { answers: 1 },
    );
    expect(answers[0]?.json()).toEqual({ released: true });
    await w.denied(bytes, "capability_revoked");
  });
});
