import type { SinkRecord } from "../types.ts";

/** A record as one JSON line. `severity` is what log collectors colour and filter by: refusals and loose ends are worth a look. */
export function recordLine({ type, canonicalJson, outcome }: SinkRecord): string {
  if (type === "checkpoint") return `{"event":"checkpoint","kind":"chio_checkpoint","severity":"INFO","checkpoint":${canonicalJson}}\n`;
  const severity = outcome === "allow" || outcome === "none" ? "INFO" : "WARNING";
  return `{"event":"receipt","kind":"chio_receipt","verdict":"${outcome}","severity":"${severity}","receipt":${canonicalJson}}\n`;
}
