import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import * as pulumi from "@pulumi/pulumi";
import { given } from "../pulumi/values.ts";
import { TopologyInputError } from "../topology/index.ts";
import type { ChioContainerAppArgs, ExistingIdentity, ExistingWorkloadIdentity } from "./args.ts";

/** An identity of the app. `principalId` null: somebody else makes its grants. */
export interface AppIdentity {
  readonly id: pulumi.Output<string>;
  readonly principalId: pulumi.Output<string> | null;
}

export interface WorkloadIdentity extends AppIdentity {
  readonly clientId: pulumi.Output<string>;
}

export interface IdentityContext {
  readonly stem: string;
  readonly appName: pulumi.Input<string>;
  readonly args: ChioContainerAppArgs;
  readonly options: pulumi.CustomResourceOptions;
}

/** What the platform reads the vault and pulls images with. */
export function platformIdentity(context: IdentityContext): AppIdentity {
  return existing(context.args.identity) ?? made(context, "platform");
}

/** What the sidecar works with. Null where nothing needs one and none is given. */
export function workloadIdentity(context: IdentityContext, needed: boolean, platform: AppIdentity): WorkloadIdentity | null {
  const { workloadIdentity: own } = context.args;
  if (own === undefined) return needed ? made(context, "workload") : null;
  const id = pulumi.all([pulumi.output(own.id), platform.id]).apply(([workload, other]) => {
    if (sameId(workload, other)) throw new TopologyInputError([{ path: "workloadIdentity.id", message: ONE_FOR_BOTH }]);
    return workload;
  });
  return { ...principal(own), id, clientId: pulumi.output(own.clientId) };
}

export const ONE_FOR_BOTH =
  "is the identity that reads the vault; a container that can use it can read the signing key. Give another one, or leave it out";

export function sameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function existing(own: ExistingIdentity | undefined): AppIdentity | null {
  return own === undefined ? null : { id: pulumi.output(own.id), ...principal(own) };
}

function principal(own: ExistingIdentity | ExistingWorkloadIdentity): { principalId: pulumi.Output<string> | null } {
  return { principalId: own.principalId === undefined ? null : pulumi.output(own.principalId) };
}

function made({ stem, appName, args, options }: IdentityContext, use: "platform" | "workload"): WorkloadIdentity {
  const { id, principalId, clientId } = new UserAssignedIdentity(
    `${stem}-${use}`,
    {
      resourceGroupName: args.resourceGroupName,
      resourceName: pulumi.interpolate`${appName}-${use}`,
      ...given({ location: args.location, tags: args.tags }),
    },
    options,
  );
  return { id, principalId, clientId };
}
