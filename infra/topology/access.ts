import { type PolicySource, parsePolicySource } from "./policy-source.ts";
import { isRemoteSink, type ReceiptSink } from "./receipt-sink.ts";
import type { PlatformTopology } from "./types.ts";

/** What the sidecar itself reaches, with its own identity. What the platform does for it, such as resolving secrets, is not in it. */
export interface SidecarAccess {
  /** Objects that it reads: its policy, and its files when it fetches them. */
  readonly reads: readonly PolicySource[];
  /** Engines that it adds receipts to. */
  readonly writes: readonly ReceiptSink[];
}

/** Exactly what a construct has to grant, and no more. */
export function sidecarAccess(graph: PlatformTopology): SidecarAccess {
  const sidecar = graph.containers.find((one) => one.role === "sidecar");
  const { mode } = graph;
  const places = [mode.kind === "api-protect" ? mode.spec : null, mode.policy, sidecar?.env.CHIO_KERNEL_CONFIG_PATH ?? null];
  const fetched = places.flatMap((place) => (place?.includes("://") ? [parsePolicySource(place)] : []));
  return {
    reads: [...(graph.policySource === null ? [] : [graph.policySource]), ...fetched].filter((source) => source.kind !== "file"),
    writes: graph.receipts.sinks.filter(isRemoteSink),
  };
}
