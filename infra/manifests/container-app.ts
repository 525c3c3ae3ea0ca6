import {
  type AnyTopology,
  type Container,
  deferred,
  formatSecretRef,
  memoryQuantity,
  type SecretRef,
  type TopologyFor,
  type Volume,
  WORKLOAD_CLIENT_ID,
} from "../topology/index.ts";
import { checked, type DataObject, Gaps, type RenderOptions, refuseDeferred, registryImage } from "./common.ts";
import { type AzureData, bicepString, Expression, ExpressionMap, parameter, toArm, toBicep } from "./expression.ts";

type Graph = TopologyFor<"aca">;

/** The resource's API. `identitySettings` and the grace are in it since 2025-01-01. */
export const CONTAINER_APP_API = "2025-07-01";

interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly value?: string | Expression;
}
interface Plan {
  readonly parameters: readonly Parameter[];
  readonly resource: { readonly [key: string]: AzureData };
}

/** An ARM template with the container app as its one resource. Throws `TopologyError` on findings, `TopologyInputError` on missing values. */
export function containerAppTemplate(topology: AnyTopology, options: RenderOptions = {}): DataObject {
  const { parameters, resource } = plan(topology, options);
  const id = "resourceId('Microsoft.App/containerApps', parameters('containerAppName'))";
  return {
    $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    contentVersion: "1.0.0.0",
    parameters: Object.fromEntries(
      parameters.map(({ name, description, value }) => [
        name,
        { type: "string", ...(value === undefined ? {} : { defaultValue: toArm(value) }), metadata: { description } },
      ]),
    ),
    resources: [{ type: "Microsoft.App/containerApps", apiVersion: CONTAINER_APP_API, ...(toArm(resource) as DataObject) }],
    outputs: {
      containerAppFqdn: { type: "string", value: `[reference(${id}, '${CONTAINER_APP_API}').configuration.ingress.fqdn]` },
      containerAppName: { type: "string", value: "[parameters('containerAppName')]" },
    },
  };
}

export function containerAppJson(topology: AnyTopology, options: RenderOptions = {}): string {
  return `${JSON.stringify(textual(containerAppTemplate(topology, options)), null, 2)}\n`;
}

/** The same as Bicep. */
export function containerAppBicep(topology: AnyTopology, options: RenderOptions = {}): string {
  const { parameters, resource } = plan(topology, options);
  textual(toArm(resource) as DataObject);
  const declared = parameters.map(
    ({ name, description, value }) =>
      `@description(${bicepString(description)})\nparam ${name} string${value === undefined ? "" : ` = ${toBicep(value)}`}\n`,
  );
  return `${declared.join("\n")}
resource containerApp 'Microsoft.App/containerApps@${CONTAINER_APP_API}' = ${toBicep(resource)}

output containerAppFqdn string = containerApp.properties.configuration.ingress.fqdn
output containerAppName string = containerApp.name
`;
}

function textual(value: DataObject): DataObject {
  const gaps = new Gaps();
  refuseDeferred(value, gaps);
  gaps.throwIfAny();
  return value;
}

function plan(topology: AnyTopology, options: RenderOptions): Plan {
  const { graph } = checked(topology, "aca", options);
  const gaps = new Gaps();
  const { settings } = graph;
  const identity = parameter("userAssignedIdentityId");
  const keyVault = secrets(graph, identity, gaps);
  const usesIdentity = keyVault.length > 0 || settings.registries.length > 0;
  const workload = settings.usesWorkloadIdentity ? parameter("workloadIdentityId") : null;
  const identities = [...(usesIdentity ? [identity] : []), ...(workload === null ? [] : [workload])];
  const parameters: Parameter[] = [
    {
      name: "location",
      description: "Azure region of the container app.",
      value: settings.location ?? new Expression("resourceGroup().location", "resourceGroup().location"),
    },
    { name: "containerAppName", description: "Name of the container app.", value: graph.name },
    {
      name: "environmentId",
      description: "Resource id of the Container Apps environment.",
      ...(settings.environmentId === null ? {} : { value: settings.environmentId }),
    },
    ...(usesIdentity
      ? [
          {
            name: "userAssignedIdentityId",
            description: "Resource id of the user-assigned identity that may read the Key Vault secrets. No container gets a token of it.",
            ...(settings.identityId === null ? {} : { value: settings.identityId }),
          },
        ]
      : []),
    ...(workload === null
      ? []
      : [
          {
            name: workload.bicep,
            description:
              "Resource id of the user-assigned identity that the sidecar writes receipts and reads its policy with. Every container can use it.",
            ...(settings.workloadIdentityId === null ? {} : { value: settings.workloadIdentityId }),
          },
        ]),
  ];
  const resource = defined({
    name: parameter("containerAppName"),
    location: parameter("location"),
    identity:
      identities.length === 0
        ? undefined
        : { type: "UserAssigned", userAssignedIdentities: new ExpressionMap(identities.map((one) => [one, {}])) },
    properties: defined({
      environmentId: parameter("environmentId"),
      workloadProfileName: settings.workloadProfile ?? undefined,
      configuration: defined({
        activeRevisionsMode: settings.revisionsMode,
        maxInactiveRevisions: settings.maxInactiveRevisions,
        ingress: defined({
          external: graph.ingress.exposure === "external",
          targetPort: graph.ingress.port,
          transport: settings.transport,
          allowInsecure: graph.ingress.allowInsecure,
          traffic: settings.revisionsMode === "Multiple" ? [{ latestRevision: true, weight: 100 }] : undefined,
          additionalPortMappings:
            graph.ingress.additionalPorts.length === 0
              ? undefined
              : graph.ingress.additionalPorts.map((port) => ({ external: graph.ingress.exposure === "external", targetPort: port })),
        }),
        secrets: keyVault.length === 0 ? undefined : keyVault,
        registries: settings.registries.length === 0 ? undefined : settings.registries.map((server) => ({ server, identity })),
        identitySettings:
          identities.length === 0
            ? undefined
            : identities.map((one) => ({ identity: one, lifecycle: one === identity ? settings.identityLifecycle : "Main" })),
      }),
      template: template(graph, gaps),
    }),
  });
  gaps.throwIfAny();
  return { parameters, resource };
}

function template(graph: Graph, gaps: Gaps): AzureData {
  const init = graph.containers.filter((one) => one.role === "init");
  return defined({
    terminationGracePeriodSeconds: Math.max(...graph.containers.map((one) => one.graceSeconds)),
    initContainers: init.length === 0 ? undefined : init.map((one) => container(one, gaps)),
    containers: graph.containers.filter((one) => one.role !== "init").map((one) => container(one, gaps)),
    scale: {
      minReplicas: graph.scaling.minReplicas,
      maxReplicas: graph.scaling.maxReplicas,
      rules: [{ name: "http-scale", http: { metadata: { concurrentRequests: String(graph.scaling.concurrency) } } }],
    },
    volumes: graph.volumes.length === 0 ? undefined : graph.volumes.map((volume) => volumeSource(volume, gaps)),
  });
}

function container(one: Container, gaps: Gaps): AzureData {
  const env: AzureData[] = [
    ...Object.entries(one.env).map(([name, value]) => ({ name, value: value === deferred(WORKLOAD_CLIENT_ID) ? clientId : value })),
    ...one.secrets.flatMap(({ name, target }) => {
      if (target.kind === "env") return [{ name: target.env, secretRef: name }];
      gaps.add(`containers.${one.name}.secrets`, `${name} is wanted as a file outside a secret volume`);
      return [];
    }),
  ];
  const probes = one.role === "init" ? [] : probesOf(one, gaps);
  return defined({
    name: one.name,
    image: registryImage(one.image, `containers.${one.name}.image`, gaps),
    command: one.entrypoint === null ? undefined : [...one.entrypoint],
    args: one.args === null ? undefined : [...one.args],
    resources: { cpu: one.resources.cpuMilli / 1000, memory: giB(one.resources.memoryMiB) },
    env: env.length === 0 ? undefined : env,
    volumeMounts: one.mounts.length === 0 ? undefined : one.mounts.map(({ volume, path }) => ({ volumeName: volume, mountPath: path })),
    probes: probes.length === 0 ? undefined : probes,
  });
}

/** Azure looks it up at deploy. */
const clientId = new Expression(
  "reference(workloadIdentityId, '2023-01-31').clientId",
  "reference(parameters('workloadIdentityId'), '2023-01-31').clientId",
);

function probesOf(one: Container, gaps: Gaps): AzureData[] {
  const types = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" } as const;
  return (["startup", "liveness", "readiness"] as const).flatMap((kind) => {
    const probe = one.probes[kind];
    if (probe === null) return [];
    const { action, initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold, successThreshold } = probe;
    if (action.kind === "exec") {
      gaps.add(`containers.${one.name}.probes.${kind}`, "Azure has no field for a command as probe");
      return [];
    }
    if (action.port === null) gaps.add(`containers.${one.name}.probes.${kind}`, "on Azure a probe names its port");
    const port = action.port ?? 0;
    const target = action.kind === "http" ? { httpGet: { path: action.path, port, scheme: "HTTP" } } : { tcpSocket: { port } };
    return [{ type: types[kind], ...target, initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold, successThreshold }];
  });
}

/** Every secret that a container or a volume refers to, once. */
function secrets(graph: Graph, identity: Expression, gaps: Gaps): AzureData[] {
  const found = new Map<string, SecretRef>();
  for (const one of graph.containers) for (const secret of one.secrets) found.set(secret.name, secret.ref);
  for (const volume of graph.volumes)
    if (volume.kind === "secret") for (const file of volume.files ?? []) found.set(file.secretName, file.ref);
  return [...found].map(([name, ref]) => {
    if (ref.kind !== "azure-key-vault") gaps.add(`secrets.${name}`, "Azure has no field for a secret that is not in Key Vault");
    return { name, keyVaultUrl: formatSecretRef(ref), identity };
  });
}

function volumeSource(volume: Volume, gaps: Gaps): AzureData {
  const { name } = volume;
  switch (volume.kind) {
    case "empty":
      return { name, storageType: "EmptyDir" };
    case "azure-file":
      return { name, storageType: "AzureFile", storageName: volume.storageName };
    case "secret":
      return defined({
        name,
        storageType: "Secret",
        secrets: volume.files?.map(({ secretName, path }) => ({ secretRef: secretName, path })),
      });
    default:
      gaps.add(`volumes.${name}`, `Azure has no ${volume.kind} volumes`);
      return { name };
  }
}

/** Container Apps writes memory in Gi. */
function giB(memoryMiB: number): string {
  return memoryMiB % 256 === 0 ? `${memoryMiB / 1024}Gi` : memoryQuantity(memoryMiB);
}

function defined(entries: { readonly [key: string]: AzureData | undefined }): { readonly [key: string]: AzureData } {
  return Object.fromEntries(Object.entries(entries).filter((entry): entry is [string, AzureData] => entry[1] !== undefined));
}
