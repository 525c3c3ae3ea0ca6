import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  defineTopology,
  isLegalTotal,
  PLATFORMS,
  type Platform,
  resolveFor,
  smallestLegalResources,
  validate,
} from "../../../infra/topology/index.ts";
import { APP_IMAGE, PROPS, SIDECAR_IMAGE } from "./fixtures.ts";

describe("the smallest legal amount", () => {
  it.each([
    ["ecs", 500, 1024, 500, 1024, 0],
    ["ecs", 100, 100, 250, 512, 2],
    ["ecs", 500, 1025, 500, 2048, 1],
    ["ecs", 250, 4096, 500, 4096, 1],
    ["ecs", 501, 1024, 1000, 2048, 2],
    ["ecs", 8000, 16385, 8000, 20480, 1],
    ["ecs", 16000, 40000, 16000, 40960, 1],
    ["cloud-run", 1500, 640, 1500, 640, 0],
    ["cloud-run", 500, 256, 1000, 512, 2],
    ["cloud-run", 1000, 5000, 2000, 5000, 1],
    ["cloud-run", 4000, 512, 4000, 2048, 1],
    ["aca", 1000, 2048, 1000, 2048, 0],
    ["aca", 600, 1024, 750, 1536, 2],
    ["aca", 250, 1024, 500, 1024, 1],
    ["local", 3, 7, 3, 7, 0],
  ] as const)("%s: %i and %i MiB come to %i and %i MiB", (platform, cpuMilli, memoryMiB, legalCpu, legalMemory, raised) => {
    const legal = smallestLegalResources(platform, { cpuMilli, memoryMiB });
    expect(legal).toMatchObject({ cpuMilli: legalCpu, memoryMiB: legalMemory });
    expect(legal?.rounded).toHaveLength(raised);
  });

  it("says what it raised", () => {
    expect(smallestLegalResources("aca", { cpuMilli: 600, memoryMiB: 1024 })?.rounded).toEqual([
      "CPU raised from 600m to 750m",
      "memory raised from 1Gi to 1536Mi",
    ]);
  });

  it.each([
    ["ecs", 33_000, 1024],
    ["ecs", 1000, 250_000],
    ["cloud-run", 9000, 1024],
    ["cloud-run", 1000, 33_000],
    ["aca", 2100, 1024],
  ] as const)("%s has nothing for %i and %i MiB", (platform, cpuMilli, memoryMiB) => {
    expect(smallestLegalResources(platform, { cpuMilli, memoryMiB })).toBeNull();
  });

  it("depends on the profile on Azure", () => {
    expect(smallestLegalResources("aca", { cpuMilli: 4000, memoryMiB: 8192 })).toBeNull();
    expect(smallestLegalResources("aca", { cpuMilli: 4000, memoryMiB: 8192 }, { workloadProfile: "Consumption" })).toMatchObject({
      cpuMilli: 4000,
    });
    expect(smallestLegalResources("aca", { cpuMilli: 3100, memoryMiB: 1000 }, { workloadProfile: "D4" })).toMatchObject({
      cpuMilli: 3100,
      memoryMiB: 1000,
    });
  });

  const request = fc.record({ cpuMilli: fc.integer({ min: 1, max: 40_000 }), memoryMiB: fc.integer({ min: 1, max: 260_000 }) });

  it.each(PLATFORMS)("on %s is legal, holds the request, and is its own smallest", (platform) => {
    fc.assert(
      fc.property(request, (asked) => {
        const legal = smallestLegalResources(platform, asked);
        if (legal === null) return;
        expect(legal.cpuMilli).toBeGreaterThanOrEqual(asked.cpuMilli);
        expect(legal.memoryMiB).toBeGreaterThanOrEqual(asked.memoryMiB);
        expect(isLegalTotal(platform, legal)).toBe(true);
        expect(smallestLegalResources(platform, legal)?.rounded).toEqual([]);
      }),
    );
  });
});

describe("the shares of the containers", () => {
  const share = fc.record({
    cpu: fc.integer({ min: 1, max: 1600 }).map((milli) => `${milli}m`),
    memory: fc.integer({ min: 6, max: 4000 }),
  });

  it.each(PLATFORMS)("always come to what %s takes", (platform: Platform) => {
    fc.assert(
      fc.property(share, share, fc.array(share, { maxLength: 3 }), (app, sidecar, rest) => {
        const topology = defineTopology({
          ...PROPS,
          app: { image: APP_IMAGE, resources: app },
          sidecar: { image: SIDECAR_IMAGE, resources: sidecar },
          auxiliary: rest.map((resources, index) => ({ name: `aux-${index}`, image: APP_IMAGE, resources })),
        });
        const asked = [app, sidecar, ...rest];
        const findings = validate(topology, platform);
        if (smallestLegalResources(platform, resolveFor(topology, platform).resources) === null) {
          expect(findings.filter((one) => one.severity !== "info").map((one) => one.message)).toEqual([
            expect.stringMatching(/more than it has$/),
          ]);
          return;
        }
        expect(findings.filter((one) => one.severity !== "info")).toEqual([]);
        // Nobody gets less than was asked for.
        const graph = resolveFor(topology, platform);
        for (const [index, one] of [graph.containers[1], graph.containers[0], ...graph.containers.slice(2)].entries()) {
          expect(one?.resources.cpuMilli).toBeGreaterThanOrEqual(Number.parseInt(String(asked[index]?.cpu), 10));
          expect(one?.resources.memoryMiB).toBeGreaterThanOrEqual(Number(asked[index]?.memory));
        }
      }),
    );
  });

  it("give the app what is over", () => {
    const topology = defineTopology({ ...PROPS, app: { image: APP_IMAGE, resources: { cpu: "600m", memory: "1Gi" } } });
    const graph = resolveFor(topology, "aca");
    expect(graph.resources).toEqual({ cpuMilli: 1000, memoryMiB: 2048 });
    expect(graph.containers.map((one) => [one.name, one.resources])).toEqual([
      ["chio-sidecar", { cpuMilli: 250, memoryMiB: 512 }],
      ["app", { cpuMilli: 750, memoryMiB: 1536 }],
    ]);
    expect(graph.adjustments).toEqual([
      {
        kind: "resources",
        path: "containers.app.resources",
        requested: "600m CPU and 1Gi",
        used: "750m CPU and 1536Mi",
        why: "the platform takes 1 CPU and 2Gi next above the sum of 850m CPU and 1536Mi",
      },
    ]);
  });
});
