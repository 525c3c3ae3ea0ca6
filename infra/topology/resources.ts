import type { LegalResources } from "./contract.ts";
import { ACA_MAX_STEPS, ACA_STEP, CLOUD_RUN_CORES, CLOUD_RUN_MEMORY, FARGATE_SIZES, LIMITS } from "./limits.ts";
import { cpuQuantity, memoryQuantity } from "./quantities.ts";
import type { Container, Platform, Resources } from "./types.ts";

export interface ResourceOptions {
  /** Container Apps: null is the consumption-only plan, `Consumption` its profile; any other name is dedicated and sets no pairs. */
  readonly workloadProfile?: string | null;
}

/**
 * The smallest CPU and memory that the platform takes for a whole replica and that holds the request. Says what it raised.
 * Null when the request is above what the platform has.
 */
export function smallestLegalResources(platform: Platform, requested: Resources, options: ResourceOptions = {}): LegalResources | null {
  const legal = legalFor(platform, requested, options);
  if (legal === null) return null;
  const rounded: string[] = [];
  if (legal.cpuMilli > requested.cpuMilli)
    rounded.push(`CPU raised from ${cpuQuantity(requested.cpuMilli)} to ${cpuQuantity(legal.cpuMilli)}`);
  if (legal.memoryMiB > requested.memoryMiB)
    rounded.push(`memory raised from ${memoryQuantity(requested.memoryMiB)} to ${memoryQuantity(legal.memoryMiB)}`);
  return { ...legal, rounded };
}

/** Whether the platform takes this total as it is. */
export function isLegalTotal(platform: Platform, total: Resources, options: ResourceOptions = {}): boolean {
  const legal = legalFor(platform, total, options);
  return legal !== null && legal.cpuMilli === total.cpuMilli && legal.memoryMiB === total.memoryMiB;
}

/** Whether one container may ask for this by itself. */
export function isLegalContainer(platform: Platform, share: Resources): boolean {
  if (!Number.isInteger(share.memoryMiB) || share.memoryMiB < 1 || !Number.isFinite(share.cpuMilli) || share.cpuMilli < 1) return false;
  if (platform !== "cloud-run") return true;
  return share.cpuMilli >= 80 && (share.cpuMilli < 1000 || CLOUD_RUN_CORES.includes(share.cpuMilli));
}

/** The smallest amount one container may ask for that holds the request: Cloud Run knows only whole, even cores above one. */
export function smallestLegalContainer(platform: Platform, requested: Resources): Resources {
  if (platform !== "cloud-run" || isLegalContainer(platform, requested)) return requested;
  const cores = CLOUD_RUN_CORES.find((cpu) => cpu >= requested.cpuMilli);
  return { cpuMilli: requested.cpuMilli < 80 ? 80 : (cores ?? requested.cpuMilli), memoryMiB: requested.memoryMiB };
}

function legalFor(platform: Platform, requested: Resources, options: ResourceOptions): Resources | null {
  switch (platform) {
    case "ecs":
      return fargate(requested);
    case "cloud-run":
      return cloudRun(requested);
    case "aca":
      return containerApps(requested, options.workloadProfile ?? null);
    case "local":
      return atLeast(requested, LIMITS.local.minimum);
  }
}

function fargate(requested: Resources): Resources | null {
  const units = Math.ceil((requested.cpuMilli * 1024) / 1000 - 1e-9);
  for (const size of FARGATE_SIZES) {
    if (size.cpuUnits < units) continue;
    const memoryMiB = size.memoryMiB.find((memory) => memory >= requested.memoryMiB);
    if (memoryMiB !== undefined) return { cpuMilli: (size.cpuUnits * 1000) / 1024, memoryMiB };
  }
  return null;
}

function cloudRun(requested: Resources): Resources | null {
  const least = atLeast(requested, LIMITS["cloud-run"].minimum);
  const row = CLOUD_RUN_MEMORY.find((size) => size.cpuMilli >= least.cpuMilli && size.maxMiB >= least.memoryMiB);
  if (row === undefined) return null;
  const cores = CLOUD_RUN_MEMORY.find((size) => size.maxMiB >= least.memoryMiB)?.cpuMilli ?? least.cpuMilli;
  const cpuMilli = cores > 1000 ? Math.max(cores, least.cpuMilli) : least.cpuMilli;
  const minMiB = CLOUD_RUN_MEMORY.findLast((size) => size.cpuMilli <= cpuMilli)?.minMiB ?? 0;
  return { cpuMilli, memoryMiB: Math.max(least.memoryMiB, minMiB) };
}

function containerApps(requested: Resources, profile: string | null): Resources | null {
  const least = atLeast(requested, LIMITS.aca.minimum);
  if (profile !== null && profile !== "Consumption") return least;
  const needed = Math.max(Math.ceil(least.cpuMilli / ACA_STEP.cpuMilli), Math.ceil(least.memoryMiB / ACA_STEP.memoryMiB));
  const available = profile === null ? ACA_MAX_STEPS.consumptionOnly : ACA_MAX_STEPS.consumptionProfile;
  return needed > available ? null : { cpuMilli: needed * ACA_STEP.cpuMilli, memoryMiB: needed * ACA_STEP.memoryMiB };
}

function atLeast(requested: Resources, least: Resources): Resources {
  return { cpuMilli: Math.max(requested.cpuMilli, least.cpuMilli), memoryMiB: Math.max(requested.memoryMiB, least.memoryMiB) };
}

/** On ECS containers that ask for nothing take what the task has left, in equal parts. */
export function shareRest(containers: readonly Container[], total: Resources): Container[] {
  const part = (key: keyof Resources) => {
    const silent = containers.filter((one) => one.resources[key] === 0).length;
    const asked = containers.reduce((sum, one) => sum + one.resources[key], 0);
    return silent === 0 ? 0 : Math.max(0, total[key] - asked) / silent;
  };
  const [cpuMilli, memoryMiB] = [part("cpuMilli"), Math.floor(part("memoryMiB"))];
  return containers.map((one) => ({
    ...one,
    resources: { cpuMilli: one.resources.cpuMilli || cpuMilli, memoryMiB: one.resources.memoryMiB || memoryMiB },
  }));
}
