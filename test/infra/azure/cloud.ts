import { type StandIn, standInFor } from "../pulumi/stand-in.ts";

export { known, settled, unknown } from "../pulumi/stand-in.ts";

export const SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-0000000000aa";
export const GROUP = `${SUBSCRIPTION}/resourceGroups/tools`;

export const TYPES = {
  app: "azure-native:app:ContainerApp",
  environment: "azure-native:app:ManagedEnvironment",
  workspace: "azure-native:operationalinsights:Workspace",
  identity: "azure-native:managedidentity:UserAssignedIdentity",
  role: "azure-native:authorization:RoleAssignment",
  lock: "azure-native:authorization:ManagementLockByScope",
  cosmosRole: "azure-native:cosmosdb:SqlResourceSqlRoleDefinition",
  cosmosAssignment: "azure-native:cosmosdb:SqlResourceSqlRoleAssignment",
} as const;

/** Stands in for Azure. */
export function standIn(options: { preview?: boolean } = {}): Promise<StandIn> {
  return standInFor({ ...options, computed, id, call });
}

function id(type: string, name: string, inputs: Record<string, unknown>): string {
  const group = `${SUBSCRIPTION}/resourceGroups/${inputs.resourceGroupName}/providers`;
  switch (type) {
    case TYPES.app:
      return `${group}/Microsoft.App/containerApps/${inputs.containerAppName}`;
    case TYPES.environment:
      return `${group}/Microsoft.App/managedEnvironments/${inputs.environmentName}`;
    case TYPES.identity:
      return `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/${inputs.resourceName}`;
    case TYPES.cosmosRole:
      return `${group}/Microsoft.DocumentDB/databaseAccounts/${inputs.accountName}/sqlRoleDefinitions/${inputs.roleDefinitionId}`;
    default:
      return `${name}-id`;
  }
}

function computed(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case TYPES.app: {
      const configuration = inputs.configuration as { ingress: object };
      const fqdn = `${inputs.containerAppName}.happy-sea.eastus.azurecontainerapps.io`;
      const ingress = { ...configuration.ingress, fqdn };
      return { configuration: { ...configuration, ingress }, latestReadyRevisionName: `${inputs.containerAppName}--0000001` };
    }
    case TYPES.identity:
      return { principalId: `${inputs.resourceName}-principal`, clientId: `${inputs.resourceName}-client` };
    case TYPES.workspace:
      return { name: `${name}1a2b`, customerId: "11111111-2222-3333-4444-555555555555" };
    case "azure-native:keyvault:Secret": {
      const { vaultName, secretName } = inputs;
      return { properties: { secretUriWithVersion: `https://${vaultName}.vault.azure.net/secrets/${secretName}/${"ab".repeat(16)}` } };
    }
    default:
      return {};
  }
}

function call(token: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (token) {
    case "azure-native:authorization:getClientConfig":
      return { subscriptionId: SUBSCRIPTION.split("/")[2], clientId: "", objectId: "", tenantId: "" };
    case "azure-native:operationalinsights:getSharedKeys":
      return { primarySharedKey: `shared key of ${inputs.workspaceName}`, secondarySharedKey: "" };
    default:
      throw new Error(`function ${token} is not expected to be called`);
  }
}
