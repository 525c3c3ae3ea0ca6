import type { AnyTopology } from "../topology/index.ts";
import { checked, type DataObject, Gaps, type RenderOptions, refuseDeferred } from "./common.ts";
import { defined, revisionTemplate, secretList } from "./container-app-template.ts";
import { type AzureData, bicepString, Expression, ExpressionMap, parameter, toArm, toBicep } from "./expression.ts";

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
  const keyVault = secretList(graph, identity, gaps);
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
      template: revisionTemplate(graph, clientId, gaps),
    }),
  });
  gaps.throwIfAny();
  return { parameters, resource };
}

/** Azure looks it up at deploy. */
const clientId = new Expression(
  "reference(workloadIdentityId, '2023-01-31').clientId",
  "reference(parameters('workloadIdentityId'), '2023-01-31').clientId",
);
