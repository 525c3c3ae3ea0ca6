import { canonicalize } from "./canonical.ts";
import { isUsablePublicKey } from "./ed25519-point.ts";
import { WireError } from "./errors.ts";
import { FieldReader, isObject, isStringArray } from "./fields.ts";
import { isLowerHex } from "./hash.ts";
import type { Json, JsonObject } from "./json.ts";
import { type Keypair, verifySignature } from "./keys.ts";
import { parseJson } from "./parse.ts";
import type { PublicKeyHex, SignatureHex } from "./types.ts";

export const MANIFEST_SCHEMA = "chio.manifest.v1";

export interface ManifestTool {
  name: string;
  description: string;
  input_schema: Json;
  output_schema?: Json;
  has_side_effects: boolean;
  latency_hint?: string;
}

export interface ToolManifest {
  schema: typeof MANIFEST_SCHEMA;
  server_id: string;
  name: string;
  description?: string;
  version: string;
  tools: ManifestTool[];
  required_permissions?: { read_paths?: string[]; write_paths?: string[]; network_hosts?: string[]; environment_variables?: string[] };
  public_key: string;
}

export interface SignedManifest {
  /** As it came: every field is part of the signed bytes, and `structure_valid` judges it. */
  manifest: JsonObject;
  signature: SignatureHex;
  signer_key: PublicKeyHex;
}

export interface ManifestReport {
  signature_valid: boolean;
  /** Schema, required fields, and tool names that are unique. */
  structure_valid: boolean;
  embedded_public_key_valid: boolean;
  embedded_public_key_matches_signer: boolean;
}

/** Reads the envelope. The manifest inside is judged by {@link verifyManifest}, not refused here. */
export function parseManifest(input: string | Uint8Array | Json): SignedManifest {
  const value = typeof input === "string" || input instanceof Uint8Array ? parseJson(input) : input;
  const reader = new FieldReader(value, "$", "invalid_manifest");
  const manifest = reader.optionalObject("manifest");
  if (!manifest) throw reader.fail("$.manifest is missing: it must be an object");
  return { manifest, signature: reader.signature("signature"), signer_key: reader.publicKey("signer_key") };
}

/** Signature over JCS(manifest) by `signer_key`. A caller that needs trust also compares `signer_key` with a key it knows. */
export function verifyManifest(signed: SignedManifest): ManifestReport {
  const embedded = signed.manifest.public_key;
  const embeddedValid = isLowerHex(embedded, 64) && isUsablePublicKey(Buffer.from(embedded, "hex"));
  return {
    signature_valid: verifySignature(signed.signer_key, canonicalize(signed.manifest), signed.signature),
    structure_valid: structureProblem(signed.manifest) === null,
    embedded_public_key_valid: embeddedValid,
    embedded_public_key_matches_signer: embedded === signed.signer_key,
  };
}

/** Signs with the key that the manifest names. */
export function signManifest(manifest: ToolManifest, keypair: Keypair): SignedManifest {
  const value = manifest as unknown as JsonObject;
  const problem = structureProblem(value);
  if (problem !== null) throw new WireError("invalid_manifest", problem);
  if (manifest.public_key !== keypair.publicKeyHex) {
    throw new WireError("wrong_signer", "a manifest is signed by the key that it names as public_key");
  }
  return { manifest: value, signature: keypair.sign(canonicalize(value)), signer_key: keypair.publicKeyHex };
}

const PERMISSION_LISTS = ["read_paths", "write_paths", "network_hosts", "environment_variables"];

/** First thing that is wrong with the manifest's structure, null when it is sound. */
export function structureProblem(manifest: JsonObject): string | null {
  try {
    const reader = new FieldReader(manifest, "$", "invalid_manifest");
    reader.oneOf("schema", [MANIFEST_SCHEMA]);
    reader.nonEmptyString("server_id");
    reader.nonEmptyString("name");
    reader.nonEmptyString("version");
    reader.optionalString("description");
    reader.string("public_key");
    const names = new Set<string>();
    const tools = reader.array("tools");
    if (tools.length === 0) return "$.tools is empty";
    for (const [i, tool] of tools.entries()) {
      const name = readTool(reader.at(tool, `tools[${i}]`));
      if (names.has(name)) return `$.tools[${i}].name ${JSON.stringify(name)} is used twice`;
      names.add(name);
    }
    const permissions = reader.optionalObject("required_permissions") ?? {};
    for (const list of PERMISSION_LISTS) {
      if (permissions[list] !== undefined && !isStringArray(permissions[list]))
        return `$.required_permissions.${list} must be an array of strings`;
    }
    return null;
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
}

function readTool(reader: FieldReader): string {
  const name = reader.nonEmptyString("name");
  reader.string("description");
  if (!isObject(reader.get("input_schema"))) throw reader.fail(`${reader.path}.input_schema must be an object`);
  reader.boolean("has_side_effects");
  reader.optionalString("latency_hint");
  return name;
}
