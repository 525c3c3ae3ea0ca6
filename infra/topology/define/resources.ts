import { DEFAULTS } from "../defaults.ts";
import { cpuQuantity, memoryQuantity } from "../quantities.ts";
import { smallestLegalContainer, smallestLegalResources } from "../resources.ts";
import type { Container, ContainerRole, Platform, Resources } from "../types.ts";
import type { Draft } from "./draft.ts";

/** What a container asks for: the user's word, else the default of its role. */
export function requestedResources(
  draft: Draft,
  role: ContainerRole,
  given: { readonly [P in Platform]: Resources | null } | undefined,
): Resources {
  const asked = given?.[draft.platform];
  if (asked != null) return asked;
  const table =
    role === "app"
      ? "app"
      : role !== "sidecar"
        ? "other"
        : draft.mode.kind === "mcp-serve-http" && draft.props.app === undefined
          ? "mcpSidecar"
          : "sidecar";
  return DEFAULTS.resources[table][draft.platform];
}

/**
 * The legal total for the containers, with what is over given to the app (to the sidecar where there is no app): whatever was asked for, the
 * platform's sum comes out right. A sum that no total can hold stays, for a rule to refuse.
 */
export function shareResources(draft: Draft, containers: readonly Container[]): { containers: Container[]; total: Resources } {
  const { platform } = draft;
  const asked = sum(platform, containers);
  const options = { workloadProfile: draft.props.aca?.workloadProfile ?? null };
  let shared = containers.map((one) => ({ ...one, resources: smallestLegalContainer(platform, one.resources) }));
  let legal = smallestLegalResources(platform, sum(platform, shared), options);
  // A share that had to grow to a legal one can push the sum past the next step; each round only grows, and the steps are few.
  while (legal !== null && platform !== "local") {
    const { cpuMilli, memoryMiB } = sum(platform, shared);
    if (legal.cpuMilli <= cpuMilli && legal.memoryMiB <= memoryMiB) break;
    shared = withSpare(platform, shared, {
      cpuMilli: Math.max(0, legal.cpuMilli - cpuMilli),
      memoryMiB: Math.max(0, legal.memoryMiB - memoryMiB),
    });
    legal = smallestLegalResources(platform, sum(platform, shared), options);
  }
  if (legal === null) return { containers: shared, total: sum(platform, shared) };

  // Where nobody asked for an amount, none was raised.
  if (!asksForResources(draft)) return { containers: shared, total: { cpuMilli: legal.cpuMilli, memoryMiB: legal.memoryMiB } };
  for (const [index, one] of shared.entries()) {
    const before = containers[index]?.resources;
    if (before === undefined || (before.cpuMilli === one.resources.cpuMilli && before.memoryMiB === one.resources.memoryMiB)) continue;
    draft.adjustments.push({
      kind: "resources",
      path: `containers.${one.name}.resources`,
      requested: pair(before),
      used: pair(one.resources),
      why: `the platform takes ${pair(legal)} next above the sum of ${pair(asked)}`,
    });
  }
  return { containers: shared, total: { cpuMilli: legal.cpuMilli, memoryMiB: legal.memoryMiB } };
}

function asksForResources({ props, platform }: Draft): boolean {
  const given = [props.app, props.sidecar, ...(props.auxiliary ?? []), ...(props.init ?? [])];
  return given.some((one) => one?.resources?.[platform] != null);
}

function withSpare(platform: Platform, containers: readonly Container[], spare: Resources): Container[] {
  const taker = containers.find((one) => one.role === "app") ?? containers.find((one) => one.role === "sidecar");
  return containers.map((one) => {
    if (one !== taker) return one;
    const { cpuMilli, memoryMiB } = one.resources;
    return {
      ...one,
      resources: smallestLegalContainer(platform, { cpuMilli: cpuMilli + spare.cpuMilli, memoryMiB: memoryMiB + spare.memoryMiB }),
    };
  });
}

/** The containers that count towards the platform's total: Azure's init containers are gone before the others ask. */
export function sum(platform: Platform, containers: readonly Container[]): Resources {
  return containers
    .filter((one) => platform !== "aca" || one.role !== "init")
    .reduce(
      (total, { resources }) => ({ cpuMilli: total.cpuMilli + resources.cpuMilli, memoryMiB: total.memoryMiB + resources.memoryMiB }),
      { cpuMilli: 0, memoryMiB: 0 },
    );
}

function pair({ cpuMilli, memoryMiB }: Resources): string {
  return `${cpuQuantity(cpuMilli)} CPU and ${memoryQuantity(memoryMiB)}`;
}
