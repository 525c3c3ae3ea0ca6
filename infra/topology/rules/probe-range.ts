import { inRange, LIMITS, type Range, rangeText } from "../limits.ts";
import type { Container, PlatformTopology } from "../types.ts";
import { ALL, at, type Breach, type Rule } from "./rule.ts";

export const probeRange: Rule = {
  code: "CHIO-PROBE-RANGE",
  title: "A probe's number or kind is outside what the platform takes",
  severity: "error",
  why: "The platform refuses the deployment.",
  fix: "use a value within the range",
  platforms: ALL,
  invariants: [],
  traps: [],
  check: (topology) => topology.containers.flatMap((one) => [...probes(topology, one), ...healthCheck(topology, one)]),
};

function probes({ platform }: PlatformTopology, one: Container): Breach[] {
  const limits = LIMITS[platform].probes;
  if (limits === null) return [];
  return (["startup", "liveness", "readiness"] as const).flatMap((kind) => {
    const probe = one.probes[kind];
    if (probe === null) return [];
    const allowed = limits[kind];
    const breaches = (["initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold"] as const).flatMap(
      (field) =>
        outside(at(one, `probes.${kind}.${field}`), `${field} of the ${kind} probe of ${one.name}`, probe[field], allowed[field], platform),
    );
    if (!allowed.kinds.includes(probe.action.kind)) {
      breaches.push({
        path: at(one, `probes.${kind}.action`),
        message: `the ${kind} probe of ${one.name} is ${probe.action.kind}; ${platform} takes ${allowed.kinds.join(" and ")}`,
        fix: "use a kind that it takes",
      });
    }
    return breaches;
  });
}

function healthCheck({ platform }: PlatformTopology, one: Container): Breach[] {
  const limits = LIMITS[platform].healthCheck;
  const check = one.healthCheck;
  if (limits === null || check === null) return [];
  return (["intervalSeconds", "timeoutSeconds", "retries", "startPeriodSeconds"] as const).flatMap((field) =>
    outside(at(one, `healthCheck.${field}`), `${field} of the health check of ${one.name}`, check[field], limits[field], platform),
  );
}

function outside(path: string, what: string, value: number, range: Range, platform: string): Breach[] {
  return Number.isInteger(value) && inRange(value, range)
    ? []
    : [{ path, message: `${what} is ${value}; ${platform} takes ${rangeText(range)}` }];
}
