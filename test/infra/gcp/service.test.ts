import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { ChioCloudRunService, type ChioCloudRunServiceArgs } from "../../../infra/gcp/index.ts";
import { known, settled, standIn, TYPES } from "./cloud.ts";
import { ARGS, DIGEST } from "./fixtures.ts";

// biome-ignore lint/suspicious/noExplicitAny: what is sent has the provider's form, which the assertions spell out
type Loose = any;

/** The component under the stand-in, and what it sent. */
async function deploy(changes: Partial<ChioCloudRunServiceArgs> = {}, name = "agent-tool-server") {
  const cloud = await standIn();
  const component = new ChioCloudRunService(name, { ...ARGS, ...changes });
  await settled();
  const service = cloud.one(TYPES.service).inputs as Loose;
  const container = (role: string) => service.template.containers.find((one: Loose) => one.name === role);
  return { cloud, component, service, app: container("app"), sidecar: container("chio-sidecar") };
}

it("declares the service with its start order, probes, one port and its own account", async () => {
  const { service, app, sidecar, component } = await deploy();
  expect(service).toMatchObject({
    name: "agent-tool-server",
    location: "us-central1",
    project: "team",
    ingress: "INGRESS_TRAFFIC_ALL",
    launchStage: "GA",
    deletionProtection: true,
    invokerIamDisabled: false,
    traffics: [{ type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 100 }],
    template: {
      executionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
      serviceAccount: "agent-tool-server-chio@team.iam.gserviceaccount.com",
      scaling: { minInstanceCount: 1, maxInstanceCount: 100 },
      maxInstanceRequestConcurrency: 80,
      timeout: "300s",
      healthCheckDisabled: false,
    },
  });
  expect(app.dependsOns).toEqual(["chio-sidecar"]);
  expect(app.ports).toBeUndefined();
  expect(app.startupProbe).toMatchObject({ httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 2, failureThreshold: 30 });
  expect(app.livenessProbe).toMatchObject({ httpGet: { path: "/healthz", port: 8080 } });
  expect(sidecar.dependsOns).toBeUndefined();
  expect(sidecar.ports).toEqual({ name: "http1", containerPort: 9090 });
  expect(sidecar.commands).toBeUndefined();
  expect(sidecar.args.slice(0, 2)).toEqual(["api", "protect"]);
  expect(sidecar.startupProbe).toMatchObject({ httpGet: { path: "/chio/health", port: 9090 }, periodSeconds: 1, failureThreshold: 30 });
  expect(sidecar.livenessProbe).toMatchObject({ httpGet: { path: "/chio/live", port: 9090 } });
  for (const one of [app, sidecar]) expect(one.resources).toMatchObject({ cpuIdle: false, startupCpuBoost: true });
  expect(await known(component.uri)).toBe("https://agent-tool-server-abc-uc.a.run.app");
  expect(await known(component.revision)).toBe("agent-tool-server-00001-abc");
  expect((await known(component.posture)).entries.map((one) => one.invariant)).toHaveLength(10);
});

it("gives the key to the sidecar alone, at its version, and each file a read-only mount", async () => {
  const { service, app, sidecar } = await deploy();
  const env = Object.fromEntries(sidecar.envs.map((one: Loose) => [one.name, one.value ?? one.valueSource.secretKeyRef]));
  expect(env).toMatchObject({
    CHIO_SIGNING_KEY: { secret: "chio-signing-key", version: "7" },
    CHIO_CAPABILITY_AUTHORITY_URL: { secret: "projects/security/secrets/chio-capability-authority-url", version: "2" },
    CHIO_RECEIPT_SINK: "bigquery://team.chio.receipts",
    CHIO_POLICY_SOURCE: "gs://team-chio-config/policy.yaml",
    CHIO_SHUTDOWN_DRAIN_MS: "8000",
  });
  expect(app.envs.filter((one: Loose) => one.valueSource !== undefined)).toEqual([]);
  expect(app.volumeMounts).toBeUndefined();
  expect(sidecar.volumeMounts).toContainEqual({ name: "chio-kernel-config", mountPath: "/etc/chio/kernel" });
  expect(service.template.volumes).toContainEqual({
    name: "chio-openapi-spec",
    secret: { secret: "chio-openapi-spec", items: [{ path: "openapi.yaml", version: "3", mode: 0o444 }] },
  });
});

it("grants the account each secret, one object and one table, and all of it before the service", async () => {
  const { cloud } = await deploy();
  const member = "serviceAccount:agent-tool-server-chio@team.iam.gserviceaccount.com";
  const readers = cloud.of(TYPES.secretReader).map((one) => one.inputs);
  expect(readers).toEqual(
    expect.arrayContaining([
      { secretId: "chio-signing-key", project: "team", role: "roles/secretmanager.secretAccessor", member },
      { secretId: "chio-capability-authority-url", project: "security", role: "roles/secretmanager.secretAccessor", member },
      { secretId: "chio-kernel-config", project: "team", role: "roles/secretmanager.secretAccessor", member },
      { secretId: "chio-openapi-spec", project: "team", role: "roles/secretmanager.secretAccessor", member },
    ]),
  );
  expect(readers).toHaveLength(4);
  expect(cloud.one(TYPES.bucketMember).inputs).toEqual({
    bucket: "team-chio-config",
    role: "roles/storage.objectViewer",
    member,
    condition: { title: "one object", expression: 'resource.name == "projects/_/buckets/team-chio-config/objects/policy.yaml"' },
  });
  expect(cloud.one(TYPES.tableMember).inputs).toEqual({
    project: "team",
    datasetId: "chio",
    tableId: "receipts",
    role: "roles/bigquery.dataEditor",
    member,
  });
  const grants = [...cloud.of(TYPES.secretReader), ...cloud.of(TYPES.bucketMember), ...cloud.of(TYPES.tableMember)];
  for (const grant of grants) expect(grant.order).toBeLessThan(cloud.one(TYPES.service).order);
});

it("lets a bucket of receipts be added to, below its prefix, and not read", async () => {
  const { cloud } = await deploy({ receipts: { sink: "gs://team-receipts/prod/" }, policySource: "https://example.com/policy.yaml" });
  expect(cloud.one(TYPES.bucketMember).inputs).toMatchObject({
    bucket: "team-receipts",
    role: "roles/storage.objectCreator",
    condition: { expression: 'resource.name.startsWith("projects/_/buckets/team-receipts/objects/prod/")' },
  });
});

it("mounts a bucket read-only, and quotes what stands in a condition", async () => {
  const { cloud, service } = await deploy({
    config: { kind: "gcs", bucket: "team-config" },
    policySource: { kind: "gs", bucket: "b", object: 'a"b' },
    receipts: {},
  });
  expect(service.template.volumes).toContainEqual({ name: "chio-config", gcs: { bucket: "team-config", readOnly: true } });
  const expressions = Object.fromEntries(
    cloud.of(TYPES.bucketMember).map(({ inputs }: Loose) => [inputs.bucket, inputs.condition?.expression]),
  );
  expect(expressions).toEqual({ b: 'resource.name == "projects/_/buckets/b/objects/a\\"b"', "team-config": undefined });
});

it("lets nobody call by default, and then those that are named", async () => {
  expect((await deploy()).cloud.of(TYPES.invoker)).toEqual([]);
  const { cloud } = await deploy({
    invokers: ["group:agents@example.com", pulumi.output("serviceAccount:a@team.iam.gserviceaccount.com")],
  });
  expect(cloud.of(TYPES.invoker).map((one) => one.inputs)).toEqual([
    { project: "team", location: "us-central1", name: "agent-tool-server", role: "roles/run.invoker", member: "group:agents@example.com" },
    {
      project: "team",
      location: "us-central1",
      name: "agent-tool-server",
      role: "roles/run.invoker",
      member: "serviceAccount:a@team.iam.gserviceaccount.com",
    },
  ]);
  expect((await deploy({ invokers: ["allUsers"] })).cloud.one(TYPES.invoker).inputs).toMatchObject({ member: "allUsers" });
});

it("takes network, scaling, traffic, admission and the rest as given", async () => {
  const { service } = await deploy({
    name: pulumi.output("tools"),
    vpc: { kind: "direct", network: pulumi.output("net"), subnetwork: "sub", tags: ["chio"], egress: "all-traffic" },
    scaling: { minInstances: pulumi.output(2), maxInstances: 9, concurrency: 40 },
    timeoutSeconds: pulumi.output(60),
    traffic: [
      { revision: "tools-v1", percent: 90 },
      { percent: pulumi.output(10), tag: "next" },
    ],
    revisionSuffix: "v2",
    binaryAuthorization: "default",
    exposure: "internal",
    readinessProbe: true,
    deletionProtection: false,
    sessionAffinity: true,
    encryptionKey: "projects/team/locations/us-central1/keyRings/r/cryptoKeys/k",
    labels: { team: "tools" },
    customAudiences: ["https://tools.example.com"],
  });
  expect(service).toMatchObject({
    name: "tools",
    ingress: "INGRESS_TRAFFIC_INTERNAL_ONLY",
    launchStage: "BETA",
    deletionProtection: false,
    binaryAuthorization: { useDefault: true },
    labels: { team: "tools" },
    customAudiences: ["https://tools.example.com"],
    traffics: [
      { type: "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", revision: "tools-v1", percent: 90 },
      { type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 10, tag: "next" },
    ],
    template: {
      revision: "tools-v2",
      scaling: { minInstanceCount: 2, maxInstanceCount: 9 },
      maxInstanceRequestConcurrency: 40,
      timeout: "60s",
      sessionAffinity: true,
      encryptionKey: "projects/team/locations/us-central1/keyRings/r/cryptoKeys/k",
      vpcAccess: { egress: "ALL_TRAFFIC", networkInterfaces: [{ network: "net", subnetwork: "sub", tags: ["chio"] }] },
    },
  });
  expect(service.template.containers.find((one: Loose) => one.name === "chio-sidecar").readinessProbe).toEqual({
    httpGet: { path: "/chio/health", port: 9090 },
    successThreshold: 1,
    periodSeconds: 5,
    timeoutSeconds: 1,
    failureThreshold: 3,
  });
});

it("takes a connector, a named platform policy and an account that exists", async () => {
  const { cloud, service } = await deploy({
    vpc: { kind: "connector", connector: "projects/team/locations/us-central1/connectors/chio-vpc" },
    binaryAuthorization: "projects/team/platforms/cloudRun/policies/chio",
    serviceAccount: "own@team.iam.gserviceaccount.com",
  });
  expect(cloud.of(TYPES.account)).toEqual([]);
  expect(service.template.serviceAccount).toBe("own@team.iam.gserviceaccount.com");
  expect(service.binaryAuthorization).toEqual({ policy: "projects/team/platforms/cloudRun/policies/chio" });
  expect(service.template.vpcAccess).toEqual({
    connector: "projects/team/locations/us-central1/connectors/chio-vpc",
    egress: "PRIVATE_RANGES_ONLY",
  });
  for (const one of cloud.of(TYPES.secretReader))
    expect(one.inputs).toMatchObject({ member: "serviceAccount:own@team.iam.gserviceaccount.com" });
});

it("puts outputs of other resources where the model had markers", async () => {
  const { service, app, sidecar, cloud } = await deploy({
    app: { image: pulumi.output(`us-docker.pkg.dev/team/apps/app:v1@${DIGEST}`), env: { URL: pulumi.interpolate`https://${"host"}` } },
    secrets: {
      signingKey: pulumi.output("projects/123/secrets/key/versions/4"),
      controlToken: { secret: pulumi.output("control"), version: pulumi.output(2), project: Promise.resolve("security") },
    },
    policySource: { kind: "gs", bucket: pulumi.output("bucket"), object: "policy.yaml" },
    receipts: { sink: { kind: "bigquery", project: pulumi.output("p"), dataset: pulumi.output("d"), table: pulumi.output("t") } },
  });
  expect(JSON.stringify(service)).not.toContain("deferred");
  expect(app.image).toBe(`us-docker.pkg.dev/team/apps/app:v1@${DIGEST}`);
  expect(app.envs).toContainEqual({ name: "URL", value: "https://host" });
  const env = Object.fromEntries(sidecar.envs.map((one: Loose) => [one.name, one.value ?? one.valueSource.secretKeyRef]));
  expect(env).toMatchObject({
    CHIO_SIGNING_KEY: { secret: "projects/123/secrets/key", version: "4" },
    CHIO_SIDECAR_CONTROL_TOKEN: { secret: "projects/security/secrets/control", version: "2" },
    CHIO_POLICY_SOURCE: "gs://bucket/policy.yaml",
    CHIO_RECEIPT_SINK: "bigquery://p.d.t",
  });
  expect(cloud.of(TYPES.secretReader).map((one) => one.inputs)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ secretId: "projects/123/secrets/key" }),
      expect.objectContaining({ secretId: "control", project: "security" }),
    ]),
  );
  expect(cloud.one(TYPES.bucketMember).inputs).toMatchObject({ bucket: "bucket" });
  expect(cloud.one(TYPES.tableMember).inputs).toMatchObject({ project: "p", datasetId: "d", tableId: "t" });
});

it("keeps two services in one program apart", async () => {
  const cloud = await standIn();
  new ChioCloudRunService("one", ARGS);
  new ChioCloudRunService("two", { ...ARGS, region: "europe-west1" });
  await settled();
  expect(cloud.of(TYPES.service).map((service) => (service.inputs as Loose).template.serviceAccount)).toEqual([
    "one-chio@team.iam.gserviceaccount.com",
    "two-chio@team.iam.gserviceaccount.com",
  ]);
  const names = cloud.declared.map(({ type, name }) => `${type} ${name}`);
  expect(new Set(names).size).toBe(names.length);
});

it("makes everything a child of the component", async () => {
  const { component, cloud } = await deploy({ invokers: ["allUsers"] });
  const urns = await known(component.urn);
  expect(urns).toContain("chio-kit:gcp:CloudRunService");
  expect(await known(component.service.urn)).toContain("chio-kit:gcp:CloudRunService$gcp:cloudrunv2/service:Service");
  expect(cloud.declared.length).toBe(10);
});

it("keeps secret values secret, in the service and in the outputs", async () => {
  const { cloud, component } = await deploy({ app: { ...ARGS.app, env: { TOKEN: pulumi.secret("hunter2") } } });
  expect(JSON.stringify(cloud.one(TYPES.service).inputs)).toContain("hunter2");
  for (const one of cloud.declared) expect(JSON.stringify(one.shown)).not.toContain("hunter2");
  expect(await pulumi.isSecret(component.service.template)).toBe(true);
  expect(await pulumi.isSecret(component.uri)).toBe(false);
  expect(JSON.stringify(await known(component.posture))).not.toContain("hunter2");
  const { component: plain } = await deploy();
  expect(await pulumi.isSecret(plain.service.template)).toBe(false);
});
