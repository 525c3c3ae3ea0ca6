import type { DrainBudget, DrainStep } from "./contract.ts";
import { resolveFor } from "./define.ts";
import type { AnyTopology, Container, Platform, PlatformTopology } from "./types.ts";

/** How long a replica takes to stop at most, step by step, and what of it the sidecar has for its drain. */
export function drainBudget(topology: AnyTopology, platform: Platform): DrainBudget {
  const graph: PlatformTopology = resolveFor(topology, platform);
  const sidecar = graph.containers.find((one) => one.role === "sidecar");
  const beside = graph.containers.filter((one) => one.role === "app" || one.role === "auxiliary");
  const grace = sidecar?.graceSeconds ?? 0;
  const drain = Number(sidecar?.env.CHIO_SHUTDOWN_DRAIN_MS ?? 0) / 1000;
  const steps = stepsOf(graph, beside, sidecar);
  const totalSeconds = steps.reduce((total, step) => total + step.seconds, 0);
  const sum = `${steps.map((step) => `${step.label} ${step.seconds} s`).join(" + ")} = ${totalSeconds} s`;
  return {
    platform,
    steps,
    totalSeconds,
    sidecarGraceSeconds: grace,
    sidecarDrainSeconds: drain,
    text: `${platform}: ${sum}. Of its ${grace} s the sidecar drains for ${drain} s and keeps ${round(grace - drain)} s to exit. ${ORDER[platform]}`,
  };
}

const ORDER: { readonly [P in Platform]: string } = {
  ecs: "The target is deregistered first, then the app is stopped, then the sidecar.",
  "cloud-run": "All containers get SIGTERM at once and SIGKILL after 10 s, which cannot be raised.",
  aca: "All containers get SIGTERM at once and SIGKILL after the grace.",
  local: "The app is stopped first, then the sidecar.",
};

function stepsOf(graph: PlatformTopology, beside: readonly Container[], sidecar: Container | undefined): DrainStep[] {
  const longest = (containers: readonly Container[]) => Math.max(0, ...containers.map((one) => one.graceSeconds));
  const own = { label: "sidecar stop", seconds: sidecar?.graceSeconds ?? 0 };
  const app = beside.length === 0 ? [] : [{ label: "app stop", seconds: longest(beside) }];
  switch (graph.platform) {
    case "ecs":
      return [{ label: "deregistration", seconds: graph.settings.deregistrationDelaySeconds }, ...app, own];
    case "local":
      return [...app, own];
    case "cloud-run":
    case "aca":
      return [{ label: "stop of all containers", seconds: longest(graph.containers) }];
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
