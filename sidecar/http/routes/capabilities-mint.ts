import { canonicalize } from "../../wire/canonical.ts";
import { issueCapability } from "../../wire/capability.ts";
import { FieldReader } from "../../wire/fields.ts";
import { sha256, sha256Hex } from "../../wire/hash.ts";
import { Keypair } from "../../wire/keys.ts";
import { parseJson } from "../../wire/parse.ts";
import { parseScope } from "../../wire/scope.ts";
import type { CapabilityScope, CapabilityToken } from "../../wire/types.ts";
import { parseScopeStrings } from "./capability-scopes.ts";
import { badPayload, MIB, type RouteContext, readPayload, requiredText, type SidecarRoute, unixNow } from "./route.ts";

const DEFAULT_TTL_SECONDS = 3_600;

interface MintRequest {
  subject: string;
  jobUid: string | undefined;
  ttlSeconds: number;
  scope: CapabilityScope;
}

/** `POST /v1/capabilities/mint`: scopes as strings; answers `{capability}`. */
export const capabilitiesMintRoute: SidecarRoute = {
  method: "POST",
  path: "/v1/capabilities/mint",
  access: "control",
  maxBodyBytes: MIB,
  handle(exchange, body, context) {
    const token = mint(readMintRequest(body, false, context), context);
    exchange.sendJson(200, canonicalize({ capability: token }));
  },
};

/** `POST /v1/capabilities`: a scope object as the SDKs send it, or the shape above; answers the token itself. */
export const capabilitiesCreateRoute: SidecarRoute = {
  method: "POST",
  path: "/v1/capabilities",
  access: "control",
  maxBodyBytes: MIB,
  handle(exchange, body, context) {
    exchange.sendJson(200, canonicalize(mint(readMintRequest(body, true, context), context)));
  },
};

function readMintRequest(body: Uint8Array, scopeObject: boolean, context: RouteContext): MintRequest {
  const { reader, request } = readPayload("capability mint", () => {
    const fields = new FieldReader(parseJson(body), "$", "invalid_json");
    const asObject = scopeObject && fields.get("scope") !== undefined;
    return {
      reader: fields,
      request: {
        subject: requiredText(fields, "subject"),
        jobUid: fields.optionalString("job_uid"),
        scope: asObject ? parseScope(fields.get("scope")) : parseScopeStrings(strings(fields, "scopes")),
      },
    };
  });
  const { scope } = request;
  if (scope.grants === undefined && scope.resource_grants === undefined && scope.prompt_grants === undefined)
    throw badPayload("the scope grants nothing");
  return { ...request, ttlSeconds: readTtl(reader, context) };
}

function readTtl(reader: FieldReader, context: RouteContext): number {
  const { seconds, nanos } = readPayload("capability mint", () => ({
    seconds: reader.optionalInteger("ttl_seconds"),
    nanos: reader.optionalInteger("ttl_nanos"),
  }));
  const longest = context.mediator.bundle.policy.kernel.max_capability_ttl;
  const asked = seconds ?? (nanos === undefined ? 0 : Math.ceil(nanos / 1e9));
  if (asked === 0) return Math.min(DEFAULT_TTL_SECONDS, longest);
  if (asked > longest) throw badPayload(`the lifetime is ${asked} s, past the policy's max_capability_ttl of ${longest} s`);
  return asked;
}

function strings(reader: FieldReader, name: string): string[] {
  return reader.array(name).map((value) => {
    if (typeof value !== "string") throw badPayload(`${name} must be a list of strings`);
    return value;
  });
}

/** The id says what was granted and not when, so that releasing it revokes every token that was minted for the same job and scope. */
function mint({ subject, jobUid, ttlSeconds, scope }: MintRequest, context: RouteContext): CapabilityToken {
  const { keypair, logger } = context;
  const sorted = (grants: readonly object[] = []) => grants.map((grant) => JSON.stringify(grant)).sort();
  const identity = {
    subject,
    job_uid: jobUid ?? null,
    ttl_seconds: ttlSeconds,
    tool_grants: sorted(scope.grants),
    resource_grants: sorted(scope.resource_grants),
    prompt_grants: sorted(scope.prompt_grants),
  };
  const holder = Keypair.fromSeed(sha256(`${subject}\0${jobUid ?? ""}`));
  const now = unixNow(context);
  const token = issueCapability(
    {
      id: `sidecar-${sha256Hex(JSON.stringify(identity))}`,
      issuer: keypair.publicKeyHex,
      subject: holder.publicKeyHex,
      scope,
      issued_at: now,
      expires_at: now + ttlSeconds,
    },
    keypair,
  );
  holder.wipe();
  logger.info("capability minted", { capability_id: token.id, expires_at: token.expires_at });
  return token;
}
