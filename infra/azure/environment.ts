import { ManagedEnvironment } from "@pulumi/azure-native/app/managedEnvironment.js";
import { getSharedKeysOutput } from "@pulumi/azure-native/operationalinsights/getSharedKeys.js";
import { Workspace } from "@pulumi/azure-native/operationalinsights/workspace.js";
import * as pulumi from "@pulumi/pulumi";
import { given } from "../pulumi/values.ts";
import type { InputIssue } from "../topology/index.ts";
import type { ChioContainerAppArgs, ContainerAppEnvironment, NewEnvironment } from "./args.ts";

export const CONSUMPTION = "Consumption";
const RETENTION = { default: 90, min: 30, max: 730 };

export interface Environment {
  readonly id: pulumi.Output<string>;
  /** Id that queries name the workspace by. Null for an environment that exists. */
  readonly logs: pulumi.Output<string> | null;
}

/** The environment that is to be made. Null where one is given. */
export function newEnvironment(environment: ContainerAppEnvironment | undefined): NewEnvironment | null {
  if (environment === undefined) return {};
  return environment.id === undefined ? (environment as NewEnvironment) : null;
}

export function isInternal({ internal, infrastructureSubnetId }: NewEnvironment): boolean {
  return internal ?? infrastructureSubnetId !== undefined;
}

/** `stem`: Pulumi name of the component. */
export function environmentOf(
  stem: string,
  appName: pulumi.Input<string>,
  args: ChioContainerAppArgs,
  options: pulumi.CustomResourceOptions,
): Environment {
  const made = newEnvironment(args.environment);
  if (made === null) return { id: pulumi.output((args.environment as { id: pulumi.Input<string> }).id), logs: null };
  const { resourceGroupName } = args;
  const place = { resourceGroupName, ...given({ location: args.location, tags: args.tags }) };
  // Receipts on stdout are kept here: the workspace outlives the app, so its name is one that is not taken again.
  const workspace = new Workspace(
    `${stem}-logs`,
    { ...place, sku: { name: "PerGB2018" }, retentionInDays: made.logRetentionDays ?? RETENTION.default },
    { ...options, retainOnDelete: true },
  );
  const keys = getSharedKeysOutput(
    { resourceGroupName, workspaceName: workspace.name },
    options.parent === undefined ? {} : { parent: options.parent },
  );
  const { infrastructureSubnetId, zoneRedundant } = made;
  const environment = new ManagedEnvironment(
    `${stem}-environment`,
    {
      ...place,
      environmentName: pulumi.interpolate`${appName}-environment`,
      appLogsConfiguration: {
        destination: "log-analytics",
        logAnalyticsConfiguration: {
          customerId: workspace.customerId,
          sharedKey: pulumi.secret(keys.apply((one) => one.primarySharedKey ?? "")),
        },
      },
      workloadProfiles: [
        { name: CONSUMPTION, workloadProfileType: CONSUMPTION },
        ...(made.workloadProfiles ?? []).map(({ name, type, minimumCount, maximumCount }) => ({
          name,
          workloadProfileType: type,
          minimumCount,
          maximumCount,
        })),
      ],
      ...(infrastructureSubnetId === undefined ? {} : { vnetConfiguration: { infrastructureSubnetId, internal: isInternal(made) } }),
      ...given({ zoneRedundant }),
    },
    options,
  );
  return { id: environment.id, logs: workspace.customerId };
}

const NEW = { infrastructureSubnetId: 1, internal: 1, zoneRedundant: 1, logRetentionDays: 1, workloadProfiles: 1, id: 1 } as const;

export function environmentIssues({ environment, workloadProfile, config }: ChioContainerAppArgs): InputIssue[] {
  const made = newEnvironment(environment);
  if (made === null) return [];
  const issues: InputIssue[] = [];
  const add = (field: string, message: string) => issues.push({ path: `environment.${field}`, message });
  for (const key of Object.keys(made)) if (!Object.hasOwn(NEW, key)) add(key, `unknown property; known are ${Object.keys(NEW).join(", ")}`);
  const { infrastructureSubnetId, logRetentionDays } = made;
  if (infrastructureSubnetId === undefined && made.internal === true) add("internal", "needs a subnet; give infrastructureSubnetId");
  if (infrastructureSubnetId === undefined && made.zoneRedundant === true)
    add("zoneRedundant", "needs a subnet; give infrastructureSubnetId");
  if (
    logRetentionDays !== undefined &&
    !(Number.isInteger(logRetentionDays) && logRetentionDays >= RETENTION.min && logRetentionDays <= RETENTION.max)
  )
    add("logRetentionDays", `is ${logRetentionDays}; use ${RETENTION.min} to ${RETENTION.max}`);
  const profiles = [CONSUMPTION, ...(made.workloadProfiles ?? []).map((one) => one.name)];
  for (const twice of new Set(profiles.filter((one, index) => profiles.indexOf(one) !== index)))
    add("workloadProfiles", `has ${twice} twice; Consumption is there by itself`);
  if (workloadProfile !== undefined && !profiles.includes(workloadProfile))
    issues.push({ path: "workloadProfile", message: `${workloadProfile} is none of the environment's: ${profiles.join(", ")}` });
  if (config?.kind === "azure-file")
    issues.push({
      path: "config.storageName",
      message: "a share is registered with an environment that exists; make it, register the share as read-only, and give environment.id",
    });
  return issues;
}
