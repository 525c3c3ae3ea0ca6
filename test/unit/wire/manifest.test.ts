import { describe, expect, test } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import type { Json, JsonObject } from "../../../sidecar/wire/json.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { parseManifest, signManifest, structureProblem, type ToolManifest, verifyManifest } from "../../../sidecar/wire/manifest.ts";
import { acceptedChanges } from "./tamper.ts";

const server = Keypair.fromSeed(Buffer.alloc(32, 0x15));

function manifest(change: Partial<ToolManifest> = {}): ToolManifest {
  return {
    schema: "chio.manifest.v1",
    server_id: "srv-demo",
    name: "Demo",
    version: "1.0.0",
    tools: [
      { name: "file_read", description: "Reads a file", input_schema: { type: "object" }, has_side_effects: false, latency_hint: "fast" },
      { name: "file_write", description: "", input_schema: {}, output_schema: {}, has_side_effects: true },
    ],
    required_permissions: { read_paths: ["/workspace"] },
    public_key: server.publicKeyHex,
    ...change,
  };
}

const GOOD = { signature_valid: true, structure_valid: true, embedded_public_key_valid: true, embedded_public_key_matches_signer: true };

test("a signed manifest verifies, and survives its JSON", () => {
  const signed = signManifest(manifest(), server);
  expect(verifyManifest(signed)).toEqual(GOOD);
  expect(verifyManifest(parseManifest(canonicalize(signed)))).toEqual(GOOD);
});

/** Signed by the server's key whatever it holds, as another implementation might. */
function forced(value: JsonObject) {
  return { manifest: value, signature: server.sign(canonicalize(value)), signer_key: server.publicKeyHex };
}

const tool = { name: "t", description: "", input_schema: {}, has_side_effects: false };

describe("structure", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["a tool name twice", { tools: [tool, tool] }, "used twice"],
    ["no tools", { tools: [] }, "$.tools is empty"],
    ["tools that are an object", { tools: {} }, "$.tools must be an array"],
    ["another schema", { schema: "chio.manifest.v9" }, "$.schema"],
    ["an empty server id", { server_id: "" }, "$.server_id is empty"],
    ["no version", { version: null }, "$.version is missing"],
    ["a tool without name", { tools: [{ ...tool, name: "" }] }, "$.tools[0].name is empty"],
    ["a tool without input schema", { tools: [{ ...tool, input_schema: null }] }, "$.tools[0].input_schema"],
    ["a tool that hides its side effects", { tools: [{ ...tool, has_side_effects: null }] }, "$.tools[0].has_side_effects"],
    ["permissions that are no list", { required_permissions: { read_paths: "/" } }, "$.required_permissions.read_paths"],
  ])("%s", (_name, change, problem) => {
    const value = { ...(manifest() as unknown as JsonObject), ...(change as JsonObject) };
    expect(structureProblem(value)).toContain(problem);
    expect(verifyManifest(forced(value))).toEqual({ ...GOOD, structure_valid: false });
    expect(() => signManifest(value as unknown as ToolManifest, server)).toThrow(problem);
  });
});

describe("keys", () => {
  test("an embedded key of another pair, of small order, or no key at all", () => {
    const other = Keypair.generate().publicKeyHex;
    const base = manifest() as unknown as JsonObject;
    expect(verifyManifest(forced({ ...base, public_key: other }))).toEqual({ ...GOOD, embedded_public_key_matches_signer: false });
    for (const public_key of ["00".repeat(32), "not a key", server.publicKeyHex.toUpperCase()]) {
      expect(verifyManifest(forced({ ...base, public_key }))).toEqual({
        ...GOOD,
        embedded_public_key_valid: false,
        embedded_public_key_matches_signer: false,
      });
    }
    expect(() => signManifest(manifest({ public_key: other }), server)).toThrow("names as public_key");
  });

  test.each<[Json, string]>([
    [{}, "$.manifest is missing"],
    [{ manifest: [], signature: "", signer_key: "" }, "$.manifest must be an object"],
    [{ manifest: {}, signature: "00", signer_key: server.publicKeyHex }, "$.signature"],
    [{ manifest: {}, signature: "00".repeat(64), signer_key: "p256:04" }, "P-256"],
  ])("an envelope like %j is refused", (value, message) => {
    expect(() => parseManifest(value)).toThrow(message);
  });
});

test("no changed byte of a signed manifest is accepted", () => {
  const text = canonicalize(signManifest(manifest({ tools: [tool] }), server));
  const accepts = (changed: Uint8Array | string) => verifyManifest(parseManifest(changed)).signature_valid;
  expect(accepts(text)).toBe(true);
  expect(acceptedChanges(text, accepts)).toEqual([]);
});
