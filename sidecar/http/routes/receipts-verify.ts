import { canonicalize } from "../../wire/canonical.ts";
import { FieldReader } from "../../wire/fields.ts";
import type { JsonObject } from "../../wire/json.ts";
import { parseJson } from "../../wire/parse.ts";
import { parseToolReceipt, type ReceiptReport, verifyReceipt } from "../../wire/receipt.ts";
import { MAX_RECEIPT_DEPTH } from "../../wire/receipt-parse.ts";
import type { ChioReceipt } from "../../wire/types.ts";
import { MIB, readPayload, type SidecarRoute } from "./route.ts";

/** `POST /v1/receipts/verify`: the structured report on a tool receipt, with one verdict and the first reason against it. */
export const receiptsVerifyRoute: SidecarRoute = {
  method: "POST",
  path: "/v1/receipts/verify",
  access: "open",
  maxBodyBytes: MIB,
  handle(exchange, body, { mediator }) {
    const { receipt, expectedDecision, expectedCapabilityId } = readPayload("ChioReceipt", () => {
      const value = parseJson(body, { maxDepth: MAX_RECEIPT_DEPTH });
      const reader = new FieldReader(value, "$", "invalid_receipt");
      const { expected_decision: _decision, expected_capability_id: _id, ...rest } = value as JsonObject;
      return {
        receipt: parseToolReceipt(rest),
        expectedDecision: reader.optionalString("expected_decision"),
        expectedCapabilityId: reader.optionalString("expected_capability_id"),
      };
    });
    const report = verifyReceipt(receipt, { trustedKeys: [mediator.kernelKey], requireDigests: true });
    const reason = firstReason(report, receipt, expectedDecision, expectedCapabilityId);
    const answer = { ...report, valid: reason === undefined, reason, signed_at: receipt.timestamp, receipt_id: receipt.id };
    exchange.sendJson(200, canonicalize(answer));
  },
};

function firstReason(
  report: ReceiptReport,
  receipt: ChioReceipt,
  decision: string | undefined,
  capabilityId: string | undefined,
): string | undefined {
  if (!report.signature_valid && report.receipt_id_valid) return "receipt signature did not verify";
  if (report.receipt_id_valid && !report.signer_trusted) return "receipt signer is not trusted";
  if (decision !== undefined && decision !== report.decision) return `decision ${report.decision} does not match expected ${decision}`;
  if (capabilityId !== undefined && capabilityId !== receipt.capability_id)
    return "receipt capability_id does not match expected_capability_id";
  if (!report.receipt_id_valid) return "receipt id does not match body";
  if (!report.parameter_hash_valid) return "receipt action parameter_hash does not match parameters";
  return report.ok ? undefined : "receipt semantics are not authoritative";
}
