import { httpUrl, ValueError } from "./values.ts";

/** One destination of receipts, as it was configured. */
export type SinkChoice =
  /** `path` missing: the store that `receipts.store` names. */
  { readonly kind: "sqlite"; readonly path?: string } | { readonly kind: "stdout" } | { readonly kind: "https"; readonly url: URL };

/** True for a sink whose confirmation outlives this machine. */
export function isRemote(sink: SinkChoice): boolean {
  return sink.kind === "https";
}

/** As it is configured; for logs. */
export function sinkText(sink: SinkChoice): string {
  return sink.kind === "https" ? sink.url.href : sink.kind;
}

/** Reads one element of CHIO_RECEIPT_SINK. Throws ValueError. */
export function receiptSink(text: string): SinkChoice {
  if (text === "stdout" || text === "sqlite") return { kind: text };
  const path = /^sqlite:\/\/(\/.+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: "sqlite", path };
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "https") return { kind: "https", url: httpUrl(text) };
  const what = scheme === undefined ? "this sink" : scheme === "sqlite" ? "this form of sqlite:" : `${scheme}://`;
  throw new ValueError(
    scheme === "http" ? "http:// is not served: receipts would cross the network in the clear" : `${what} is not served`,
    "use sqlite, sqlite:///absolute/path, stdout or https://host/path",
    "config_unsupported",
  );
}
