import { describe, expect, it } from "vitest";
import { changed, FAULTLESS, fixture, type Loose, only, unknownCodes } from "./documents.ts";

const HIDDEN = ["CHIO-SIGNING-KEY-SCOPE", "CHIO-SECRET-SCOPE"];
const imported = { "Fn::ImportValue": "elsewhere" };
const APP = 0;

/** What only the deployment knows may hold anything: silence would say that there is nothing. */
describe("a list that is known only when it is deployed", () => {
  const asked = (text: string) => {
    const report = only(text);
    expect(report.findings).toEqual([]);
    return [...unknownCodes(report)];
  };
  const stack = (change: (resources: Loose) => void) =>
    asked(changed(fixture("stack.cloudformation.yaml"), ({ Resources }: Loose) => change(Resources)));
  const app = (change: (app: Loose, configuration: Loose) => void) =>
    asked(
      changed(FAULTLESS.aca, ({ resources }: Loose) => {
        const { template, configuration } = resources[0].properties;
        change(
          template.containers.find(({ name }: Loose) => name === "app"),
          configuration,
        );
      }),
    );

  it.each(["Environment", "Secrets", "MountPoints"])("may give %s of the app anything of the sidecar's", (field) => {
    expect(stack(({ Task }) => (Task.Properties.ContainerDefinitions[APP][field] = imported))).toEqual(expect.arrayContaining(HIDDEN));
    expect(stack(({ Task }) => (Task.Properties.ContainerDefinitions[APP][field] = [imported]))).toEqual(expect.arrayContaining(HIDDEN));
  });

  it("may announce ports of the app", () => {
    const ports = (value: unknown) => stack(({ Task }) => (Task.Properties.ContainerDefinitions[APP].PortMappings = value));
    expect(ports(imported)).toContain("CHIO-EXTRA-PORT");
    expect(ports([{ ContainerPort: imported }])).toContain("CHIO-EXTRA-PORT");
  });

  it("may hold a container with anything of the sidecar's", () => {
    const codes = stack(({ Task }) => Task.Properties.ContainerDefinitions.push(imported));
    expect(codes).toEqual(expect.arrayContaining([...HIDDEN, "CHIO-START-ORDER"]));
  });

  it("may be of a kind of volume that this kit does not know", () => {
    expect(stack(({ Task }) => Task.Properties.Volumes.push({ Name: "disk", ConfiguredAtLaunch: true }))).toContain("CHIO-VOLUMES");
  });

  it("may open ports in a security group", () => {
    expect(stack(({ TaskGroup }) => (TaskGroup.Properties.SecurityGroupIngress = imported))).toContain("CHIO-INGRESS-SOURCE");
  });

  it("may share the task's processes", () => {
    expect(stack(({ Task }) => (Task.Properties.PidMode = imported))).toContain("CHIO-SHARED-PROCESSES");
  });

  it("may be a parameter of Azure's, or what a loop makes", () => {
    expect(app((one) => (one.env = "[parameters('variables')]"))).toEqual(expect.arrayContaining(HIDDEN));
    expect(
      app((one) => {
        delete one.env;
        one.copy = [{ name: "env", count: 2, input: { name: "[parameters('names')[copyIndex('env')]]", secretRef: "chio-signing-key" } }];
      }),
    ).toEqual(expect.arrayContaining(HIDDEN));
    expect(app((_one, { ingress }) => (ingress.additionalPortMappings = "[parameters('mappings')]"))).toContain("CHIO-EXTRA-PORT");
    expect(app((_one, configuration) => (configuration.dapr = { enabled: true, appPort: "[parameters('port')]" }))).toContain(
      "CHIO-EXTRA-PORT",
    );
  });
});

describe("what is right in other words", () => {
  it("has no finding", () => {
    const grpc = changed(FAULTLESS["cloud-run"], ({ spec }: Loose) => {
      const one = spec.template.spec.containers.find(({ name }: Loose) => name === "app");
      one.readinessProbe = { grpc: { port: 8080 } };
    });
    const lifecycle = changed(FAULTLESS.aca, ({ resources }: Loose) => {
      for (const one of resources[0].properties.configuration.identitySettings) one.lifecycle = one.lifecycle.toLowerCase();
    });
    const ports = changed(fixture("stack.cloudformation.yaml"), ({ Resources }: Loose) => {
      Resources.Targets.Properties.HealthCheckPort = "traffic-port";
      Resources.TaskGroup.Properties.SecurityGroupIngress[0].FromPort = imported;
    });
    for (const text of [grpc, lifecycle, ports]) expect(only(text).findings).toEqual([]);
  });
});
