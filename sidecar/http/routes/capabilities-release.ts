import { canonicalize } from "../../wire/canonical.ts";
import { FieldReader } from "../../wire/fields.ts";
import { parseJson } from "../../wire/parse.ts";
import { HttpRefusal } from "../errors.ts";
import { MIB, readPayload, requiredText, type SidecarRoute, unixNow } from "./route.ts";

/** `POST /v1/capabilities/release`: revokes a capability and with it all that were delegated from it, durably, before it answers. */
export const capabilitiesReleaseRoute: SidecarRoute = {
  method: "POST",
  path: "/v1/capabilities/release",
  access: "control",
  maxBodyBytes: MIB,
  async handle(exchange, body, context) {
    const { ledger, logger } = context;
    const { id, reason } = readPayload("capability release", () => {
      const reader = new FieldReader(parseJson(body), "$", "invalid_json");
      return {
        id: requiredText(reader, "capability_id"),
        jobUid: reader.optionalString("job_uid"),
        reason: reader.optionalString("reason"),
      };
    });
    try {
      await ledger.revoke(id, unixNow(context), reason);
    } catch (cause) {
      throw new HttpRefusal(500, "capability_release_failed", "the revocation could not be made durable: it holds in this process only", {
        fix: "try again when /chio/health is healthy",
        cause,
      });
    }
    logger.info("capability revoked", { capability_id: id });
    exchange.sendJson(200, canonicalize({ released: true }));
  },
};
