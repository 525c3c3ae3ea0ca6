import { describe, expect, it } from "vitest";
import { afterCrash, ecsRestarts, NO_CRASH } from "../../../infra/local/platforms/back-off.ts";
import { edgeState, stopGroups } from "../../../infra/local/platforms/conditions.ts";
import { CpuGate } from "../../../infra/local/platforms/cpu-gate.ts";
import { apiProtect, type Container, defineTopology, resolveFor, type StartEdge } from "../../../infra/topology/index.ts";
import { settle } from "./fake-clock.ts";

describe("the back-off of Kubernetes", () => {
  it("restarts at once, then after 10 s, twice that, up to five minutes", () => {
    const delays: number[] = [];
    let state = NO_CRASH;
    for (let crash = 0; crash < 8; crash++) {
      state = afterCrash(state, 1_000);
      delays.push(state.delayMs / 1000);
    }
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
  });

  it("begins anew after ten minutes without a crash", () => {
    const after = afterCrash(afterCrash(afterCrash(NO_CRASH, 1_000), 1_000), 600_000);
    expect(after).toEqual({ crashes: 1, delayMs: 0 });
  });
});

describe("a restart on ECS", () => {
  const policy = { attemptPeriodSeconds: 60, ignoredExitCodes: [0, 3] };

  it.each([
    ["without a policy", null, 1, 120_000, false],
    ["after the attempt period", policy, 1, 60_000, true],
    ["before it", policy, 1, 59_999, false],
    ["with an ignored exit code", policy, 3, 120_000, false],
  ] as const)("%s", (_what, given, code, ranMs, restarts) => {
    expect(ecsRestarts(given, { code, ranMs })).toBe(restarts);
  });
});

describe("a start condition", () => {
  const facts = (started: boolean, healthy: boolean, exitCode: number | null) => ({ started, healthy, exitCode });

  it.each([
    ["started", facts(false, false, null), "waiting"],
    ["started", facts(true, false, null), "satisfied"],
    ["healthy", facts(true, false, null), "waiting"],
    ["healthy", facts(true, true, null), "satisfied"],
    ["healthy", facts(true, false, 1), "impossible"],
    ["completed", facts(true, false, null), "waiting"],
    ["completed", facts(true, false, 1), "satisfied"],
    ["succeeded", facts(true, false, 0), "satisfied"],
    ["succeeded", facts(true, false, 1), "impossible"],
  ] as const)("%s with %o is %s", (condition, given, state) => {
    expect(edgeState(condition, given)).toBe(state);
  });
});

describe("the order of the stop", () => {
  const graph = resolveFor(
    defineTopology({
      name: "notes",
      mode: apiProtect({ spec: "/etc/chio/openapi.yaml" }),
      app: { image: "app:1" },
      auxiliary: [{ name: "metrics", image: "metrics:1" }],
      init: [{ name: "prepare", image: "prepare:1" }],
    }),
    "ecs",
  );

  it("is the reverse of the start's", () => {
    expect(stopGroups(graph.containers, graph.startOrder)).toEqual([["app", "metrics"], ["chio-sidecar"], ["prepare"]]);
  });

  it("ends also where containers wait for each other", () => {
    const named = (name: string) => ({ ...graph.containers[0]!, name }) as Container;
    const circle: StartEdge[] = [
      { container: "a", dependsOn: "b", condition: "started" },
      { container: "b", dependsOn: "a", condition: "started" },
    ];
    expect(stopGroups([named("a"), named("b"), named("c")], circle)).toEqual([["c"], ["a", "b"]]);
  });
});

describe("the CPU gate", () => {
  it("takes the CPU away when nothing is in flight, and gives it back before a request goes on", async () => {
    const applied: string[] = [];
    const gate = new CpuGate(async (idle) => {
      await settle();
      applied.push(idle ? "idle" : "full");
    });
    await gate.begin();
    gate.end();
    await settle();
    expect(applied, "before the instance has started up").toEqual([]);
    gate.enable();
    await settle();
    await settle();
    expect(applied).toEqual(["idle"]);
    await gate.begin();
    applied.push("request");
    await gate.begin();
    gate.end();
    expect(applied).toEqual(["idle", "full", "request"]);
    gate.end();
    await settle();
    await settle();
    await gate.disable();
    expect(applied).toEqual(["idle", "full", "request", "idle", "full"]);
  });
});
