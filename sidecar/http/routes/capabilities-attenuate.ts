import { canonicalize } from "../../wire/canonical.ts";
import { MIB, type SidecarRoute } from "./route.ts";

const REFUSAL = canonicalize({
  error: "chio_attenuation_requires_subject_signer",
  message:
    "a capability is attenuated by its subject, whose key the sidecar does not hold: use `chio capability attenuate`, or the client library",
  authorization: false,
});

/** `POST /v1/capabilities/attenuate`: always refused, since only the holder of the subject's key can delegate. */
export const capabilitiesAttenuateRoute: SidecarRoute = {
  method: "POST",
  path: "/v1/capabilities/attenuate",
  access: "control",
  maxBodyBytes: MIB,
  handle(exchange) {
    exchange.sendJson(403, REFUSAL);
  },
};
