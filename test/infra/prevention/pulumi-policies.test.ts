import { describe, expect, it } from "vitest";
import { ChioCloudRunService } from "../../../infra/gcp/index.ts";
import { checkResource, chioPolicies } from "../../../infra/prevention/index.ts";
import { RULES } from "../../../infra/topology/index.ts";
import { TYPES as AZURE } from "../azure/cloud.ts";
import { deploy } from "../azure/deploy.ts";
import { TYPES as GOOGLE, settled, standIn } from "../gcp/cloud.ts";
import { ARGS } from "../gcp/fixtures.ts";
import { FAULTLESS, type Loose } from "../posture/documents.ts";

async function cloudRun(): Promise<Loose> {
  const cloud = await standIn();
  new ChioCloudRunService("tools", ARGS);
  await settled();
  return structuredClone(cloud.one(GOOGLE.service).inputs);
}

/** `policy-name [level]: message` of every report. */
function reports(type: string, props: Loose): string[] {
  return chioPolicies().flatMap(({ name, enforcementLevel, validateResource }) => {
    const found: string[] = [];
    validateResource({ type, name: "tools", props }, (message) => found.push(`${name} [${enforcementLevel}]: ${message}`));
    return found;
  });
}

/** As a policy pack hands over properties in a preview: what is not known throws when it is read. */
function preview<T extends object>(value: T, unknown: (key: string, value: unknown) => boolean): T {
  return new Proxy(value, {
    get(target, key, receiver) {
      const inside = Reflect.get(target, key, receiver);
      if (typeof key === "string" && unknown(key, inside)) throw new Error(`can't run policy: ${key} is unknown`);
      return inside !== null && typeof inside === "object" ? preview(inside, unknown) : inside;
    },
  });
}

describe("the Pulumi policies", () => {
  it("pass what the constructs deploy, and a task definition", async () => {
    expect(reports(GOOGLE.service, await cloudRun())).toEqual([]);
    expect(reports(AZURE.app, (await deploy()).app)).toEqual([]);
    const { containerDefinitions, ...task } = JSON.parse(FAULTLESS.ecs);
    expect(
      reports("aws:ecs/taskDefinition:TaskDefinition", { ...task, containerDefinitions: JSON.stringify(containerDefinitions) }),
    ).toEqual([]);
  });

  it("report each finding under its own name, with the place in the properties and the fix", async () => {
    const props = await cloudRun();
    const app = props.template.containers.find((one: Loose) => one.name === "app");
    app.ports = { containerPort: 8080 };
    app.image = "registry.example.com/app:latest";
    expect(reports(GOOGLE.service, props)).toEqual([
      "chio-extra-port [mandatory]: template.containers[1].ports: app announces port 8080. Fix: remove ports from every container but the sidecar",
      "chio-image-unpinned [mandatory]: template.containers[1].image: registry.example.com/app:latest is a tag, which can be moved. Fix: write REPOSITORY@sha256:DIGEST",
    ]);
  });

  it("say nothing of other resources, and of services without a sidecar", async () => {
    expect(reports("aws:s3/bucket:Bucket", { bucket: "x" })).toEqual([]);
    expect(reports(GOOGLE.service, { name: "web", template: { containers: [{ name: "web", image: "nginx" }] } })).toEqual([]);
    expect(checkResource({ type: GOOGLE.service, name: "web", props: {} })).toEqual([]);
  });

  it("pass by what a preview does not know, and judge the rest", async () => {
    const props = await cloudRun();
    props.template.containers.find((one: Loose) => one.name === "app").ports = { containerPort: 8080 };
    const seen = preview(props, (key) => key === "image" || key === "serviceAccount");
    expect(reports(GOOGLE.service, seen).map((one) => one.slice(0, one.indexOf(" ")))).toEqual(["chio-extra-port"]);
  });

  it("have names that a policy pack takes, and levels by severity", () => {
    const policies = chioPolicies();
    expect(new Set(policies.map(({ name }) => name)).size).toBe(policies.length);
    for (const { name } of policies) expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
    const warning = RULES.find(({ severity }) => severity === "warning");
    expect(policies.find(({ name }) => name === warning?.code.toLowerCase())?.enforcementLevel).toBe("advisory");
  });
});
