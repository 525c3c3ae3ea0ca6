import { canonicalize } from "../../wire/canonical.ts";
import { parseHttpReceipt, verifyHttpReceipt } from "../../wire/http-receipt.ts";
import { MIB, readPayload, type SidecarRoute } from "./route.ts";

/** `POST /chio/verify`: is this HTTP receipt one that this sidecar signed, unchanged? */
export const verifyRoute: SidecarRoute = {
  method: "POST",
  path: "/chio/verify",
  access: "open",
  maxBodyBytes: MIB,
  handle(exchange, body, { mediator }) {
    const receipt = readPayload("HttpReceipt", () => parseHttpReceipt(body));
    exchange.sendJson(200, canonicalize(verifyHttpReceipt(receipt, { trustedKeys: [mediator.kernelKey] })));
  },
};
