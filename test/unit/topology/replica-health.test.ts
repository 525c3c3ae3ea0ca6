import { describe, expect, it } from "vitest";
import { posture, resolveFor, type TopologyProps } from "../../../infra/topology/index.ts";
import { commandAsksSinks, readinessAsked, replicaHealthCommand, replicaHealthPath } from "../../../infra/topology/replica-health.ts";
import { baseline } from "./fixtures.ts";

const CHIO = "/usr/local/bin/chio";

describe("what a path asks", () => {
  it.each([
    ["/chio/health", { sinks: true }],
    ["/chio/health?a=b", { sinks: true }],
    [replicaHealthPath("/chio/health"), { sinks: false }],
    ["/chio/health?a=b&exclude=sinks", { sinks: false }],
    ["/chio/live", null],
    ["/chio/healthz", null],
    ["/chio/health?exclude=receipts", null],
    ["/chio/health?exclude=", null],
    ["/chio/health?exclude=sinks&exclude=sinks", null],
  ])("%s", (path, asked) => expect(readinessAsked(path, "/chio/health")).toEqual(asked));
});

describe("what a health command asks", () => {
  it.each([
    [[CHIO, "health"], true],
    [["sh", "-c", "chio health --timeout-ms 900"], true],
    [[CHIO, "health", "--url", "http://127.0.0.1:9090/chio/health"], true],
    [["curl", "-f", "localhost:9090/chio/health"], true],
    [["CMD-SHELL", "wget -qO- 'http://[::1]:9090/chio/health' || exit 1"], true],
    [replicaHealthCommand(CHIO), false],
    [[CHIO, "health", "--exclude=sinks"], false],
    [[CHIO, "health", "--url=http://127.0.0.1:9090/chio/health?exclude=sinks"], false],
    [[CHIO, "health", "--url", "http://127.0.0.1:9090/chio/live"], false],
    [["curl", "-f", "http://localhost:9090/chio/health?exclude=sinks"], false],
    [["curl", "-f", "http://localhost:9090/chio/live"], false],
    [["/probe"], false],
    [[], false],
  ])("%j: %s", (command, sinks) => expect(commandAsksSinks(command, "/chio/health")).toBe(sinks));
});

describe("ECS", () => {
  const ecs = (receipts: NonNullable<TopologyProps["receipts"]>) => {
    const topology = baseline({ receipts, sidecar: { healthPath: "/ready" } });
    const left = posture(topology, "ecs").entries.find(({ invariant }) => invariant === "INV-6")?.residualRisk;
    return { left, graph: resolveFor(topology, "ecs") };
  };

  it("asks the same with a remote sink and without", () => {
    for (const sink of ["stdout", "dynamodb://chio-receipts"]) {
      const { graph } = ecs({ sink });
      const sidecar = graph.containers.find(({ role }) => role === "sidecar");
      expect(sidecar?.healthCheck?.command).toEqual([CHIO, "health", "--exclude", "sinks"]);
      expect(graph.settings.loadBalancer.healthCheck.path).toBe("/ready?exclude=sinks");
    }
  });

  it("says what an outage of the sink means", () => {
    expect(ecs({ sink: "dynamodb://chio-receipts" }).left).toMatch(/the sidecar answers 503 with Retry-After/);
    expect(ecs({ sink: "dynamodb://chio-receipts", acknowledge: "ledger" }).left).toMatch(/receipts wait on the task's own volume/);
    expect(ecs({ sink: "stdout" }).left).not.toMatch(/sink/);
  });
});

describe("this machine", () => {
  it("shows readiness whole: nobody replaces a container there", () => {
    const sidecar = resolveFor(baseline(), "local").containers.find(({ role }) => role === "sidecar");
    expect(sidecar?.healthCheck?.command).toEqual([CHIO, "health"]);
  });
});
