import { isRemoteSink } from "../receipt-sink.ts";
import { commandAsksSinks, readinessAsked } from "../replica-health.ts";
import { at, type Breach, healthPath, type Rule, theSidecar } from "./rule.ts";

export const probeSinks: Rule = {
  code: "CHIO-PROBE-SINKS",
  title: "An outage of the receipt sink replaces every task",
  severity: "warning",
  why: "ECS replaces a task whose health command or target check fails, and without its sink no sidecar is ready. So all tasks are replaced, again and again, and receipts that the sink has not taken go with their volumes.",
  fix: 'leave the sinks out: ["/usr/local/bin/chio", "health", "--exclude", "sinks"], and /chio/health?exclude=sinks for the load balancer',
  platforms: ["ecs"],
  invariants: ["INV-6"],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null || !topology.receipts.sinks.some(isRemoteSink) || topology.platform !== "ecs") return [];
    const health = healthPath(sidecar);
    const breach = (path: string, what: string): Breach => ({
      path,
      message: `${what} fails while the receipt sink is away`,
    });
    const command = sidecar.healthCheck?.command ?? [];
    const { path } = topology.settings.loadBalancer.healthCheck;
    return [
      ...(commandAsksSinks(command, health)
        ? [breach(at(sidecar, "healthCheck.command"), `the health command of ${sidecar.name} (${command.join(" ")})`)]
        : []),
      ...(readinessAsked(path, health)?.sinks === true
        ? [breach("settings.loadBalancer.healthCheck.path", `the load balancer's check (${path})`)]
        : []),
    ];
  },
};
