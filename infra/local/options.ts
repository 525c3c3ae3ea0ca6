import type { PlatformTopology } from "../topology/index.ts";
import { LocalRunError } from "./errors.ts";
import type { StartTopologyOptions } from "./types.ts";

/** Names that the topology does not have, and numbers that cannot be meant: said before anything is made. Throws `LocalRunError` `option_invalid`. */
export function checkOptions(graph: PlatformTopology, options: StartTopologyOptions): void {
  const containers = graph.containers.map((one) => one.name);
  const secrets = [
    ...graph.containers.flatMap((one) => one.secrets.map((secret) => secret.name)),
    ...graph.volumes.flatMap((one) => (one.kind === "secret" ? (one.files ?? []).map((file) => file.secretName) : [])),
  ];
  const problems = [
    ...unknown("images", options.images, containers, "container"),
    ...unknown("env", options.env, containers, "container"),
    ...unknown("secrets", options.secrets, secrets, "secret"),
    ...range("replicas", options.replicas, 1, 50),
    ...range("hostPort", options.hostPort, 0, 65_535),
    ...range("readyTimeoutMs", options.readyTimeoutMs, 1, 3_600_000),
  ];
  if (problems.length === 0) return;
  throw new LocalRunError("option_invalid", problems.join("\n"), {
    fix: `${graph.name} on ${graph.platform} has no more than these names`,
  });
}

function unknown(option: string, given: object | undefined, known: readonly string[], what: string): string[] {
  return Object.keys(given ?? {})
    .filter((name) => !known.includes(name))
    .map((name) => `${option}.${name}: the topology has no such ${what}; it has ${[...new Set(known)].join(", ") || "none"}`);
}

function range(option: string, value: number | undefined, min: number, max: number): string[] {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return [];
  return [`${option}: ${value} is no whole number from ${min} to ${max}`];
}
