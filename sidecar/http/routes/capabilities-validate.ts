import { canonicalize } from "../../wire/canonical.ts";
import { parseCapability, verifyCapabilitySignature } from "../../wire/capability.ts";
import { lineageIds } from "../../wire/delegation.ts";
import { FieldReader } from "../../wire/fields.ts";
import type { JsonObject } from "../../wire/json.ts";
import { parseJson } from "../../wire/parse.ts";
import { isScopeSubset, parseScope } from "../../wire/scope.ts";
import type { CapabilityScope, CapabilityToken } from "../../wire/types.ts";
import { MIB, type RouteContext, readPayload, type SidecarRoute, unixNow } from "./route.ts";

interface Expected {
  subject: string | undefined;
  scope: CapabilityScope | undefined;
}

/** `POST /v1/capabilities/validate`: the token's own fields, with what the caller expects of it beside them. */
export const capabilitiesValidateRoute: SidecarRoute = {
  method: "POST",
  path: "/v1/capabilities/validate",
  access: "control",
  maxBodyBytes: MIB,
  handle(exchange, body, context) {
    const { token, expected } = readPayload("CapabilityToken", () => {
      const value = parseJson(body);
      const reader = new FieldReader(value, "$", "invalid_capability");
      const { expected_subject: _subject, expected_scope: _scope, ...rest } = value as JsonObject;
      const scope = reader.get("expected_scope");
      return {
        token: parseCapability(rest),
        expected: {
          subject: reader.optionalString("expected_subject"),
          scope: scope === undefined ? undefined : parseScope(scope, "$.expected_scope"),
        },
      };
    });
    const reason = firstReason(token, expected, context);
    exchange.sendJson(200, canonicalize({ valid: reason === undefined, reason, expires_at: token.expires_at, capability_id: token.id }));
  },
};

function firstReason(token: CapabilityToken, expected: Expected, context: RouteContext): string | undefined {
  const { ledger, mediator } = context;
  if (lineageIds(token).some((id) => ledger.isRevoked(id))) return "capability has been revoked";
  if (!mediator.trustedIssuers.has(token.issuer)) return "capability issuer is not trusted";
  if (!verifyCapabilitySignature(token)) return "capability signature did not verify";
  const now = unixNow(context);
  if (!(now < token.expires_at)) return "capability has expired";
  if (now < token.issued_at) return "capability is not yet valid";
  if (expected.subject !== undefined && expected.subject !== token.subject) return "capability subject does not match expected_subject";
  if (expected.scope !== undefined && !isScopeSubset(expected.scope, token.scope))
    return "expected_scope is not a subset of capability scope";
  return undefined;
}
