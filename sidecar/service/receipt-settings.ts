import { join } from "node:path";
import type { ConfigProblem } from "./errors.ts";
import type { Getter } from "./resolve.ts";
import { isRemote, sinkText } from "./sink-choice.ts";
import type { ServiceConfig } from "./types.ts";

type ReceiptConfig = Pick<
  ServiceConfig,
  | "receiptStore"
  | "receiptSinks"
  | "receiptSinkToken"
  | "acknowledge"
  | "allowEphemeralReceipts"
  | "queueLimit"
  | "checkpoint"
  | "retention"
>;

/** Where receipts go. A store on disk unless somebody allowed to do without one by name; never a store that two settings place differently. */
export function receiptSettings(get: Getter, problems: ConfigProblem[], warnings: string[]): ReceiptConfig {
  const sink = get("receiptSink");
  const store = get("receiptStore");
  const allowEphemeral = get("allowEphemeralReceipts").value;
  const home = get("home").value;

  const sinkPaths = [...new Set(sink.value.flatMap((one) => (one.kind === "sqlite" && one.path !== undefined ? [one.path] : [])))];
  const places = [...new Set([...sinkPaths, ...(store.value === null ? [] : [store.value])])];
  if (places.length > 1) {
    problems.push({
      code: "config_conflict",
      source: store.value === null ? sink.source : `${store.source} and ${sink.source}`,
      message: `name different stores: ${places.join(", ")}`,
      fix: "name one",
    });
  }
  const asked = places.length > 0 || sink.value.some((one) => one.kind === "sqlite");
  const receiptStore = places[0] ?? (allowEphemeral && !asked ? null : join(home, "receipts.sqlite"));

  const acknowledge = get("acknowledge");
  const others = sink.value.filter((one) => one.kind !== "sqlite");
  if (acknowledge.value === "sink" && !others.some(isRemote)) {
    problems.push({
      code: "config_unsupported",
      source: acknowledge.source,
      message: "`sink` needs a remote sink that confirms receipts; sqlite and stdout confirm nothing that outlives this machine",
      fix: "name an https:// sink, or use ledger",
    });
  }
  const texts = others.map(sinkText);
  const twice = texts.find((text, at) => texts.indexOf(text) !== at);
  if (twice !== undefined)
    problems.push({ code: "config_conflict", source: sink.source, message: `names ${twice} twice`, fix: "name it once" });
  const token = get("receiptSinkToken");
  if (token.value !== null && !others.some((one) => one.kind === "https"))
    warnings.push(`${token.source}: there is no https:// sink that it is for`);
  return {
    receiptStore,
    receiptSinks: [...(receiptStore === null ? [] : [{ kind: "sqlite" as const }]), ...others],
    receiptSinkToken: token.value,
    acknowledge: acknowledge.value,
    allowEphemeralReceipts: allowEphemeral,
    queueLimit: get("queueLimit").value,
    checkpoint: { batchSize: get("checkpointBatch").value, intervalMs: get("checkpointInterval").value },
    retention: { maxAgeDays: get("retentionDays").value, maxBytes: get("retentionBytes").value },
  };
}
