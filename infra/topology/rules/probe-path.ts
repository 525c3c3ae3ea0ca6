import { DEFAULTS } from "../defaults.ts";
import { isDeferred } from "../deferred.ts";
import { readinessAsked } from "../replica-health.ts";
import type { Container, PlatformTopology, Probe } from "../types.ts";
import { ALL, at, type Breach, healthPath, type Rule, theSidecar } from "./rule.ts";

export const probePath: Rule = {
  code: "CHIO-PROBE-PATH",
  title: "A probe of the sidecar asks the wrong thing",
  severity: "error",
  why: "Readiness falls when a receipt sink is away: as liveness it would kill every replica at once. Liveness says nothing about policy and sink: as readiness it lets traffic in too early.",
  fix: "probe CHIO_HEALTH_PATH for startup and readiness, /chio/live for liveness, over HTTP on the sidecar's port",
  platforms: ALL,
  invariants: ["INV-6"],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null) return [];
    const health = healthPath(sidecar);
    return [
      ...wrong(sidecar, "startup", health),
      ...wrong(sidecar, "readiness", health),
      ...wrong(sidecar, "liveness", DEFAULTS.sidecar.livePath),
      ...wrongCommand(sidecar, health),
      ...wrongTarget(topology, health),
    ];
  },
};

function wrong(sidecar: Container, kind: "startup" | "liveness" | "readiness", expected: string): Breach[] {
  const probe: Probe | null = sidecar.probes[kind];
  if (probe === null) return [];
  const path = at(sidecar, `probes.${kind}.action`);
  const { action } = probe;
  if (action.kind !== "http") return [{ path, message: `the ${kind} probe of ${sidecar.name} is ${action.kind}, not HTTP` }];
  if (action.path !== expected)
    return [{ path: `${path}.path`, message: `the ${kind} probe of ${sidecar.name} asks ${action.path}, not ${expected}` }];
  if (action.port !== null && !sidecar.ports.includes(action.port))
    return [{ path: `${path}.port`, message: `the ${kind} probe of ${sidecar.name} asks port ${action.port}` }];
  return [];
}

/** A health command that asks somebody else, or something else. One of a program that is not known is not judged. */
function wrongCommand(sidecar: Container, health: string): Breach[] {
  const command = sidecar.healthCheck?.command ?? [];
  const path = at(sidecar, "healthCheck.command");
  const breach = (what: string): Breach[] => [{ path, message: `the health command of ${sidecar.name} ${what}` }];
  const [program = "", verb] = command;
  if (/(^|\/)chio$/.test(program) && verb !== "health") return breach(`is ${command.join(" ")}, which does not ask for its health`);
  const urls = command.map((word) => word.replace(/^--url=/, "")).filter((word) => /^https?:\/\//.test(word) && !isDeferred(word));
  const known = urls.filter((url) => URL.canParse(url)).map((url) => new URL(url));
  const right = ({ port, pathname, search }: URL) =>
    sidecar.listens.some((one) => one.port === Number(port || 80)) && readinessAsked(`${pathname}${search}`, health) !== null;
  if (known.length === 0 || known.some(right)) return [];
  return breach(`asks ${known.join(" and ")}, not ${health} on its port`);
}

function wrongTarget(topology: PlatformTopology, health: string): Breach[] {
  if (topology.platform !== "ecs") return [];
  const { path } = topology.settings.loadBalancer.healthCheck;
  return readinessAsked(path, health) !== null
    ? []
    : [{ path: "settings.loadBalancer.healthCheck.path", message: `the load balancer asks ${path}, not ${health}` }];
}
