import type { StateChange } from "../kernel/types.ts";
import { LedgerError } from "./errors.ts";
import type { LedgerEntry, UnsignedReceipt } from "./types.ts";

/**
 * What could not be stored, found before it joins a group: one value that SQLite or the way to the thread refuses would take the others of its
 * group with it. Null when the entry is sound.
 */
export function checkEntry(entry: LedgerEntry): LedgerError | null {
  return refusal(entryProblem(entry) ?? stateProblem(entry.state ?? []));
}

export function checkUnsigned({ text, closes, index, state }: UnsignedReceipt): LedgerError | null {
  const problem = isText(text?.members) && text.idAt > 0 && text.signatureAt >= text.idAt ? null : "text is no text of a receipt";
  return refusal(problem ?? aboutProblem(closes, index) ?? stateProblem(state ?? []));
}

export function checkState(state: readonly StateChange[]): LedgerError | null {
  return refusal(stateProblem(state));
}

function entryProblem({ receiptId, canonicalJson, closes, index }: LedgerEntry): string | null {
  if (!isText(receiptId)) return "receiptId is empty";
  if (!isText(canonicalJson)) return "canonicalJson is empty";
  return aboutProblem(closes, index);
}

function aboutProblem(closes: LedgerEntry["closes"], index: LedgerEntry["index"]): string | null {
  if (!isTextOrAbsent(closes)) return "closes is no text";
  if (!Number.isSafeInteger(index?.timestamp)) return "index.timestamp is no whole number of seconds";
  if (typeof index.toolServer !== "string" || typeof index.toolName !== "string") return "index.toolServer and index.toolName must be text";
  if (!isText(index.outcome)) return "index.outcome is empty";
  if (![index.capabilityId, index.tenantId, index.subject, index.costCurrency].every(isTextOrAbsent)) return "an index field is no text";
  if (index.costUnits !== undefined && typeof index.costUnits !== "bigint") return "index.costUnits is no bigint";
  return null;
}

function stateProblem(state: readonly StateChange[]): string | null {
  for (const change of state) {
    switch (change.type) {
      case "budget": {
        const { capabilityId, grantIndex, invocations, units, currency, expiresAt } = change.charge;
        const sound =
          Number.isSafeInteger(grantIndex) && Number.isSafeInteger(invocations) && typeof units === "bigint" && isTextOrAbsent(currency);
        if (!isText(capabilityId) || !sound || !(expiresAt === undefined || Number.isSafeInteger(expiresAt)))
          return "a budget charge is malformed";
        break;
      }
      case "replay":
        if (!isText(change.nonce) || !isText(change.capabilityId) || !Number.isSafeInteger(change.expiresAt))
          return "a replay key is malformed";
        break;
      case "revoke":
        if (!isText(change.capabilityId) || !Number.isSafeInteger(change.at) || !isTextOrAbsent(change.reason))
          return "a revocation is malformed";
        break;
      default:
        return "a state change has an unknown type";
    }
  }
  return null;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function refusal(problem: string | null): LedgerError | null {
  return problem === null ? null : new LedgerError("ledger_entry_invalid", `a receipt cannot be stored: ${problem}`);
}
