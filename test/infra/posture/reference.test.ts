import { describe, expect, it } from "vitest";
import { verifyDocument } from "../../../infra/posture/index.ts";
import { changed, codes, fixture, only } from "./documents.ts";

/** `CODE line:column path`. */
function told(name: string): string[] {
  return verifyDocument(fixture(name), name).findings.map(({ code, place, path }) => `${code} ${place?.line}:${place?.column} ${path}`);
}

describe("the reference manifests' own faults", () => {
  it("of Cloud Run", () => {
    expect(told("cloud-run.service.yaml")).toMatchInlineSnapshot(`
      [
        "CHIO-SIGNING-KEY-VERSION 74:15 spec.template.spec.containers[1].env[7]",
        "CHIO-PROBE-PATH 94:13 spec.template.spec.containers[1].livenessProbe",
        "CHIO-DRAIN 57:13 spec.template.spec.containers[1].env",
        "CHIO-IMAGE-UNPINNED 24:18 spec.template.spec.containers[0].image",
        "CHIO-IMAGE-UNPINNED 44:18 spec.template.spec.containers[1].image",
      ]
    `);
  });

  it("of ECS, as describe-task-definition gives it", () => {
    expect(told("ecs.task-definition.json")).toMatchInlineSnapshot(`
      [
        "CHIO-EXTRA-PORT 21:26 taskDefinition.containerDefinitions[0].portMappings[0]",
        "CHIO-WRITABLE-ROOT 15:7 taskDefinition.containerDefinitions[0].readonlyRootFilesystem",
        "CHIO-IMAGE-USER 15:7 taskDefinition.containerDefinitions[0].user",
        "CHIO-CAPABILITIES 15:7 taskDefinition.containerDefinitions[0].linuxParameters.capabilities",
        "CHIO-CAPABILITIES 25:7 taskDefinition.containerDefinitions[1].linuxParameters.capabilities",
        "CHIO-PROBE-SINKS 46:24 taskDefinition.containerDefinitions[1].healthCheck",
        "CHIO-DRAIN 33:24 taskDefinition.containerDefinitions[1].environment",
        "CHIO-IMAGE-UNPINNED 17:18 taskDefinition.containerDefinitions[0].image",
        "CHIO-IMAGE-UNPINNED 27:18 taskDefinition.containerDefinitions[1].image",
      ]
    `);
  });

  it("of Azure, as Bicep compiles it", () => {
    expect(told("container-app.arm.json")).toMatchInlineSnapshot(`
      [
        "CHIO-START-DEADLOCK 62:23 resources[0].properties.template.containers[1].args",
        "CHIO-IDENTITY-EXPOSED 31:26 resources[0].properties.configuration",
        "CHIO-PROBE-PATH 71:17 resources[0].properties.template.containers[1].probes[1]",
        "CHIO-DRAIN 64:22 resources[0].properties.template.containers[1].env",
        "CHIO-IMAGE-UNPINNED 61:24 resources[0].properties.template.containers[1].image",
      ]
    `);
  });

  it("are gone when each is mended as its fix says", () => {
    const mended = changed(fixture("cloud-run.service.yaml"), (service) => {
      const [app, sidecar] = service.spec.template.spec.containers;
      const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
      app.image = `registry.example.com/app@${digest}`;
      sidecar.image = `registry.example.com/chio-sidecar@${digest}`;
      sidecar.env.find((one: { name: string }) => one.name === "CHIO_SIGNING_KEY").valueFrom.secretKeyRef.key = "7";
      sidecar.env.push({ name: "CHIO_SHUTDOWN_DRAIN_MS", value: "8000" });
      sidecar.livenessProbe.httpGet.path = "/chio/live";
    });
    expect(codes(only(mended))).toEqual([]);
  });

  it("have no fix in the words of the topology", () => {
    for (const name of ["cloud-run.service.yaml", "ecs.task-definition.json", "container-app.arm.json"])
      for (const { fix } of verifyDocument(fixture(name), name).findings)
        expect(fix).not.toMatch(
          /defineTopology|apiProtect|byPlatform|secrets\.signingKey|\b(ecs|aca|cloudRun)\.[a-z]|shutdownDrainMs|readOnlyRoot/,
        );
  });
});

describe("a CloudFormation template written by hand", () => {
  it("has no finding, and says all but what the app binds", () => {
    const report = only(fixture("stack.cloudformation.yaml"));
    expect(report.findings).toEqual([]);
    expect(report.name).toBe("tools");
    expect(report.unknown.flatMap((one) => one.codes)).toEqual(["CHIO-APP-BIND", "CHIO-PORT-CLASH"]);
  });
});
