import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { ChioContainerApp, type ChioContainerAppArgs } from "../../../infra/azure/index.ts";
import { GROUP, known, settled, standIn, TYPES } from "./cloud.ts";
import { deploy, type Loose } from "./deploy.ts";
import { ARGS, DIGEST, secret } from "./fixtures.ts";

const identityId = (name: string) => `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;

it("declares the app with one ingress port, probes per container, the grace and a legal sum", async () => {
  const { app, configuration, template, container, component } = await deploy();
  expect(app).toMatchObject({ containerAppName: "agent-tool-server", resourceGroupName: "tools", location: "eastus" });
  expect(configuration.ingress).toEqual({
    external: false,
    targetPort: 9090,
    transport: "auto",
    allowInsecure: false,
    clientCertificateMode: "ignore",
  });
  expect(configuration).toMatchObject({ activeRevisionsMode: "Single", maxInactiveRevisions: 10 });
  expect(template.containers.map((one: Loose) => one.name)).toEqual(["chio-sidecar", "app"]);
  const probes = (name: string) =>
    Object.fromEntries(container(name).probes.map((one: Loose) => [one.type, (one.httpGet ?? one.tcpSocket).path ?? "tcp"]));
  expect(probes("chio-sidecar")).toEqual({ Startup: "/chio/health", Liveness: "/chio/live", Readiness: "/chio/health" });
  expect(probes("app")).toEqual({ Startup: "/healthz", Liveness: "/healthz" });
  for (const probe of container("chio-sidecar").probes) expect(probe.httpGet.port).toBe(9090);
  for (const probe of container("app").probes) expect(probe.httpGet.port).toBe(8080);
  expect(template.terminationGracePeriodSeconds).toBe(30);
  const sum = template.containers.reduce((all: number, one: Loose) => all + one.resources.cpu, 0);
  const memory = template.containers.reduce((all: number, one: Loose) => all + Number(one.resources.memory.replace("Gi", "")), 0);
  expect([sum, memory]).toEqual([1, 2]);
  expect(container("chio-sidecar").command).toBeUndefined();
  expect(container("chio-sidecar").args.slice(0, 2)).toEqual(["api", "protect"]);
  expect(template.scale).toEqual({
    minReplicas: 1,
    maxReplicas: 20,
    rules: [{ name: "http-scale", http: { metadata: { concurrentRequests: "50" } } }],
  });
  expect(await known(component.fqdn)).toBe("agent-tool-server.happy-sea.eastus.azurecontainerapps.io");
  expect(await known(component.url)).toBe("https://agent-tool-server.happy-sea.eastus.azurecontainerapps.io");
  expect(await known(component.revision)).toBe("agent-tool-server--0000001");
  expect((await known(component.posture)).entries.map((one) => one.invariant)).toHaveLength(10);
});

describe("start order", () => {
  it("starts the app through the sidecar's program, which an init container leaves beside it", async () => {
    const { template, container, component } = await deploy();
    expect(template.initContainers).toEqual([
      {
        name: "chio-gate",
        image: ARGS.sidecar.image,
        args: ["install", "--to", "/opt/chio/chio"],
        resources: { cpu: 0.25, memory: "0.5Gi" },
        volumeMounts: [{ volumeName: "chio-gate", mountPath: "/opt/chio" }],
      },
    ]);
    expect(template.volumes).toContainEqual({ name: "chio-gate", storageType: "EmptyDir" });
    const health = "http://127.0.0.1:9090/chio/health";
    expect(container("app").command).toEqual(["/opt/chio/chio", "wait", "--for", health, "--", "node", "server.js"]);
    expect(container("app").volumeMounts).toEqual([{ volumeName: "chio-gate", mountPath: "/opt/chio" }]);
    expect(container("chio-sidecar").volumeMounts.map((one: Loose) => one.volumeName)).not.toContain("chio-gate");
    const order = (await known(component.posture)).entries.find((one) => one.invariant === "INV-1");
    expect(order).toMatchObject({ level: "enforced", by: ["start gate", "platform"] });
  });

  it.each<[string, Partial<ChioContainerAppArgs>]>([
    ["no command is known", { app: { image: ARGS.app.image } }],
    ["the image has no libc", { app: { ...ARGS.app, libc: "none" } }],
    ["it is not wanted", { startGate: false }],
  ])("leaves the traffic gate when %s, and says so", async (_title, changes) => {
    const { template, container, component } = await deploy(changes);
    expect(template.initContainers).toBeUndefined();
    expect(container("app").command?.[0]).not.toBe("/opt/chio/chio");
    const order = (await known(component.posture)).entries.find((one) => one.invariant === "INV-1");
    expect(order).toMatchObject({ level: "partial", by: ["platform"] });
    expect(order?.how).toContain("requests wait");
  });
});

describe("secrets and identities", () => {
  it("gives the key to the sidecar alone, by reference, through an identity that no container can use", async () => {
    const { app, configuration, container, env, component } = await deploy();
    expect(env("chio-sidecar")).toMatchObject({
      CHIO_SIGNING_KEY: "secret chio-signing-key",
      CHIO_CAPABILITY_AUTHORITY_URL: "secret chio-capability-authority-url",
    });
    expect(container("app").env.filter((one: Loose) => one.secretRef !== undefined)).toEqual([]);
    const platform = identityId("agent-tool-server-platform");
    expect(configuration.secrets).toContainEqual({
      name: "chio-signing-key",
      keyVaultUrl: secret("chio-signing-key"),
      identity: platform,
    });
    for (const one of configuration.secrets) expect(Object.keys(one).sort()).toEqual(["identity", "keyVaultUrl", "name"]);
    expect(configuration.identitySettings).toEqual([
      { identity: platform, lifecycle: "None" },
      { identity: identityId("agent-tool-server-workload"), lifecycle: "Main" },
    ]);
    expect(configuration.registries).toEqual([{ server: "team.azurecr.io", identity: platform }]);
    expect(app.identity).toEqual({
      type: "UserAssigned",
      userAssignedIdentities: [platform, identityId("agent-tool-server-workload")],
    });
    expect(env("chio-sidecar").AZURE_CLIENT_ID).toBe("agent-tool-server-workload-client");
    expect(env("app")).not.toHaveProperty("AZURE_CLIENT_ID");
    expect(await known(component.identity)).toBe(platform);
    expect(await known(component.workloadIdentity)).toBe(identityId("agent-tool-server-workload"));
  });

  it("mounts each file by an explicit list", async () => {
    const { template, container } = await deploy();
    const volumes = template.volumes.filter((one: Loose) => one.storageType === "Secret");
    expect(volumes).toEqual([
      { name: "chio-kernel-config", storageType: "Secret", secrets: [{ secretRef: "chio-kernel-config", path: "kernel.yaml" }] },
      { name: "chio-openapi-spec", storageType: "Secret", secrets: [{ secretRef: "chio-openapi-spec", path: "openapi.yaml" }] },
    ]);
    expect(container("chio-sidecar").volumeMounts).toContainEqual({ volumeName: "chio-kernel-config", mountPath: "/etc/chio/kernel" });
  });

  it("has no second identity where nothing needs one", async () => {
    const { configuration, env, cloud, component } = await deploy({ policySource: "https://example.com/policy.yaml", receipts: {} });
    expect(configuration.identitySettings).toHaveLength(1);
    expect(env("chio-sidecar")).not.toHaveProperty("AZURE_CLIENT_ID");
    expect(cloud.of(TYPES.identity)).toHaveLength(1);
    expect(await known(component.workloadIdentity)).toBe("");
  });

  it("takes identities that exist, and makes no grants for one without a principal", async () => {
    const { cloud, configuration, env } = await deploy({
      identity: { id: identityId("shared") },
      workloadIdentity: { id: pulumi.output(identityId("own")), clientId: "own-client", principalId: "own-principal" },
    });
    expect(cloud.of(TYPES.identity)).toEqual([]);
    expect(configuration.identitySettings.map((one: Loose) => one.lifecycle)).toEqual(["None", "Main"]);
    expect(env("chio-sidecar").AZURE_CLIENT_ID).toBe("own-client");
    expect(cloud.of(TYPES.role).map((one: Loose) => one.inputs.principalId)).toEqual(["own-principal"]);
  });

  it("makes another revision when a reference changes, and none when nothing does", async () => {
    const revision = async (changes: Partial<ChioContainerAppArgs> = {}) => (await deploy(changes)).env("chio-sidecar").SECRETS_REVISION;
    const before = await revision();
    expect(await revision()).toBe(before);
    const rotated = secret("chio-signing-key", "f".repeat(32));
    expect(await revision({ secrets: { ...ARGS.secrets, signingKey: rotated } })).not.toBe(before);
    expect(await revision({ secrets: { ...ARGS.secrets, signingKey: pulumi.output(rotated) } })).toBe(
      await revision({ secrets: { ...ARGS.secrets, signingKey: rotated } }),
    );
  });
});

describe("environment", () => {
  it("makes one that keeps its logs, with the workspace's key as a secret", async () => {
    const { cloud, app, component } = await deploy();
    expect(app.environmentId).toBe(`${GROUP}/providers/Microsoft.App/managedEnvironments/agent-tool-server-environment`);
    expect(app.workloadProfileName).toBe("Consumption");
    const workspace = cloud.one(TYPES.workspace);
    expect(workspace).toMatchObject({ retainOnDelete: true, inputs: { retentionInDays: 90 } });
    const environment = cloud.one(TYPES.environment);
    expect(environment.inputs).toMatchObject({ appLogsConfiguration: { destination: "log-analytics" } });
    expect(JSON.stringify(environment.inputs)).toContain("shared key of");
    expect(JSON.stringify(environment.shown)).not.toContain("shared key of");
    expect(environment.inputs).not.toHaveProperty("vnetConfiguration");
    expect(await known(component.logs)).toBe("11111111-2222-3333-4444-555555555555");
  });

  it("puts one into a network, internal unless told otherwise", async () => {
    const subnet = `${GROUP}/providers/Microsoft.Network/virtualNetworks/n/subnets/s`;
    const made = async (environment: ChioContainerAppArgs["environment"]) =>
      (await deploy({ ...(environment === undefined ? {} : { environment }) })).cloud.one(TYPES.environment).inputs as Loose;
    expect((await made({ infrastructureSubnetId: pulumi.output(subnet), zoneRedundant: true })).vnetConfiguration).toEqual({
      infrastructureSubnetId: subnet,
      internal: true,
    });
    const open = await made({ infrastructureSubnetId: subnet, internal: false, logRetentionDays: 365 });
    expect(open.vnetConfiguration.internal).toBe(false);
    expect(open).not.toHaveProperty("zoneRedundant");
  });

  it("takes one that exists", async () => {
    const id = `${GROUP}/providers/Microsoft.App/managedEnvironments/shared`;
    const { app, cloud } = await deploy({ environment: { id: pulumi.output(id) }, config: { kind: "azure-file", storageName: "chio" } });
    expect(app.environmentId).toBe(id);
    expect(app).not.toHaveProperty("workloadProfileName");
    expect(cloud.of(TYPES.environment)).toEqual([]);
    expect(cloud.of(TYPES.workspace)).toEqual([]);
    expect(app.template.volumes).toContainEqual({ name: "chio-config", storageType: "AzureFile", storageName: "chio" });
  });

  it("has dedicated profiles where they are asked for", async () => {
    const { app, cloud } = await deploy({
      environment: { workloadProfiles: [{ name: "big", type: "D8", minimumCount: 1, maximumCount: 3 }] },
      workloadProfile: "big",
      app: { ...ARGS.app, resources: { cpu: 5, memory: "9Gi" } },
    });
    expect(app.workloadProfileName).toBe("big");
    expect((cloud.one(TYPES.environment).inputs as Loose).workloadProfiles).toEqual([
      { name: "Consumption", workloadProfileType: "Consumption" },
      { name: "big", workloadProfileType: "D8", minimumCount: 1, maximumCount: 3 },
    ]);
  });
});

it("takes ingress, scaling, revisions and the rest as given", async () => {
  const { app, configuration, template, cloud, container } = await deploy({
    name: pulumi.output("tools"),
    exposure: "external",
    allowedIpRanges: ["203.0.113.0/24", pulumi.output("198.51.100.0/24")],
    clientCertificates: "require",
    customDomains: [{ name: "tools.example.com", certificateId: pulumi.output("certificate") }],
    transport: "http2",
    scaling: {
      minReplicas: pulumi.output(2),
      maxReplicas: 9,
      concurrency: pulumi.output(40),
      cooldownPeriod: 60,
      pollingInterval: 15,
      rules: [{ name: "cpu", type: "cpu", metadata: { type: "Utilization", value: "70" } }],
    },
    graceSeconds: 120,
    shutdownDrainMs: 60_000,
    traffic: [
      { revision: "tools--v1", weight: 90 },
      { weight: pulumi.output(10), label: "next" },
    ],
    revisionSuffix: "v2",
    maxInactiveRevisions: 5,
    deletionProtection: false,
    tags: { team: "tools" },
    auxiliary: [{ name: "collector", image: ARGS.app.image, listens: [4317], secrets: { TOKEN: secret("collector-token") } }],
    init: [{ name: "migrate", image: ARGS.app.image, command: ["node", "migrate.js"] }],
  });
  expect(app).toMatchObject({ containerAppName: "tools", tags: { team: "tools" } });
  expect(configuration).toMatchObject({ activeRevisionsMode: "Multiple", maxInactiveRevisions: 5 });
  expect(configuration.ingress).toEqual({
    external: true,
    targetPort: 9090,
    transport: "http2",
    allowInsecure: false,
    clientCertificateMode: "require",
    ipSecurityRestrictions: [
      { name: "allowed-1", action: "Allow", ipAddressRange: "203.0.113.0/24" },
      { name: "allowed-2", action: "Allow", ipAddressRange: "198.51.100.0/24" },
    ],
    customDomains: [{ name: "tools.example.com", certificateId: "certificate", bindingType: "SniEnabled" }],
    traffic: [
      { revisionName: "tools--v1", weight: 90 },
      { latestRevision: true, weight: 10, label: "next" },
    ],
  });
  expect(template).toMatchObject({ terminationGracePeriodSeconds: 120, revisionSuffix: "v2" });
  expect(template.scale).toEqual({
    minReplicas: 2,
    maxReplicas: 9,
    cooldownPeriod: 60,
    pollingInterval: 15,
    rules: [
      { name: "http-scale", http: { metadata: { concurrentRequests: "40" } } },
      { name: "cpu", custom: { type: "cpu", metadata: { type: "Utilization", value: "70" } } },
    ],
  });
  expect(template.initContainers.map((one: Loose) => one.name)).toEqual(["migrate", "chio-gate"]);
  expect(container("collector").env).toContainEqual({ name: "TOKEN", secretRef: "collector-token" });
  expect(cloud.of(TYPES.lock)).toEqual([]);
  expect(cloud.one(TYPES.app).protect).toBe(false);
});

it("sends everything to the latest revision when revisions are many and nothing is said", async () => {
  expect((await deploy({ revisionsMode: "Multiple" })).configuration.ingress.traffic).toEqual([{ latestRevision: true, weight: 100 }]);
  const sticky = await deploy({ stickySessions: true });
  expect(sticky.configuration.ingress.stickySessions).toEqual({ affinity: "sticky" });
  expect(sticky.configuration.ingress).not.toHaveProperty("traffic");
});

it("refuses to be deleted, by Azure and by Pulumi, unless told otherwise", async () => {
  const { cloud } = await deploy();
  expect(cloud.one(TYPES.app).protect).toBe(true);
  expect(cloud.one(TYPES.lock)).toMatchObject({
    protect: true,
    inputs: { level: "CanNotDelete", scope: `${GROUP}/providers/Microsoft.App/containerApps/agent-tool-server` },
  });
});

it("puts outputs of other resources where the model had markers", async () => {
  const { app, container, env, configuration } = await deploy({
    resourceGroupName: pulumi.output("tools"),
    app: { image: pulumi.output(`team.azurecr.io/app@${DIGEST}`), env: { URL: pulumi.interpolate`https://${"host"}` } },
    secrets: { signingKey: pulumi.output(secret("key")), controlToken: Promise.resolve(secret("control")) },
    policySource: { kind: "azblob", account: pulumi.output("store"), container: pulumi.output("c"), blob: pulumi.output("policy.yaml") },
    receipts: { sink: { kind: "cosmosdb", account: pulumi.output("db"), database: pulumi.output("d"), container: pulumi.output("r") } },
    config: { kind: "fetched", account: pulumi.output("store"), container: "files", prefix: "chio" },
    registries: [pulumi.output("team.azurecr.io")],
  });
  expect(JSON.stringify(app)).not.toContain("deferred");
  expect(container("app").image).toBe(`team.azurecr.io/app@${DIGEST}`);
  expect(env("app").URL).toBe("https://host");
  expect(env("chio-sidecar")).toMatchObject({
    CHIO_POLICY_SOURCE: "azblob://store/c/policy.yaml",
    CHIO_RECEIPT_SINK: "cosmosdb://db/d/r",
    CHIO_KERNEL_CONFIG_PATH: "azblob://store/files/chio/kernel.yaml",
  });
  expect(container("chio-sidecar").args).toContain("azblob://store/files/chio/spec/openapi.yaml");
  expect(configuration.secrets.map((one: Loose) => one.keyVaultUrl)).toEqual([secret("key"), secret("control")]);
  expect(configuration.registries[0].server).toBe("team.azurecr.io");
});

it("keeps two apps in one program apart", async () => {
  const cloud = await standIn();
  new ChioContainerApp("one", ARGS);
  new ChioContainerApp("two", { ...ARGS, location: "westeurope" });
  await settled();
  expect(cloud.of(TYPES.app).map(({ inputs }: Loose) => inputs.identity.userAssignedIdentities[0])).toEqual([
    identityId("one-platform"),
    identityId("two-platform"),
  ]);
  const names = cloud.declared.map(({ type, name }) => `${type} ${name}`);
  expect(new Set(names).size).toBe(names.length);
  for (const [type, field] of [
    [TYPES.cosmosRole, "roleDefinitionId"],
    [TYPES.cosmosRole, "roleName"],
    [TYPES.cosmosAssignment, "roleAssignmentId"],
    [TYPES.environment, "environmentName"],
  ] as const)
    expect(new Set(cloud.of(type).map(({ inputs }: Loose) => inputs[field])).size).toBe(2);
});

it("cuts a long name to what Azure takes, and keeps two long names two", async () => {
  const name = async (pulumiName: string) => (await deploy({}, pulumiName)).app.containerAppName as string;
  const [one, two] = [await name(`${"long-".repeat(9)}one`), await name(`${"long-".repeat(9)}two`)];
  expect(one).toMatch(/^[a-z][a-z0-9-]{0,30}[a-z0-9]$/);
  expect(one).not.toBe(two);
});

it("makes everything a child of the component", async () => {
  const { component, cloud } = await deploy();
  expect(await known(component.urn)).toContain("chio-kit:azure:ContainerApp");
  expect(await known(component.app.urn)).toContain("chio-kit:azure:ContainerApp$azure-native:app:ContainerApp");
  // Two identities, four secrets, a registry, a blob, a role and its assignment, workspace, environment, app, lock; and itself.
  expect(cloud.declared).toHaveLength(15);
});

it("keeps secret values secret, in the app and in the outputs", async () => {
  const { cloud, component } = await deploy({ app: { ...ARGS.app, env: { TOKEN: pulumi.secret("hunter2") } } });
  expect(JSON.stringify(cloud.one(TYPES.app).inputs)).toContain("hunter2");
  for (const one of cloud.declared) expect(JSON.stringify(one.shown)).not.toContain("hunter2");
  expect(await pulumi.isSecret(component.app.template)).toBe(true);
  expect(await pulumi.isSecret(component.url)).toBe(false);
  expect(JSON.stringify(await known(component.posture))).not.toContain("hunter2");
  const { component: plain } = await deploy();
  expect(await pulumi.isSecret(plain.app.template)).toBe(false);
});
