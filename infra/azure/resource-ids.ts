import * as pulumi from "@pulumi/pulumi";

/** Resources whose names are unique in Azure, so that a name alone finds one. */
export const RESOURCE_TYPES = {
  vault: "Microsoft.KeyVault/vaults",
  registry: "Microsoft.ContainerRegistry/registries",
  storage: "Microsoft.Storage/storageAccounts",
  cosmos: "Microsoft.DocumentDB/databaseAccounts",
} as const;
export type ResourceKind = keyof typeof RESOURCE_TYPES;

export interface ResourceId {
  readonly id: string;
  readonly kind: ResourceKind;
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly name: string;
}

/** One that was found. `own`: in the subscription that the provider works in. */
export interface FoundResource extends ResourceId {
  readonly own: boolean;
}

const FORM = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+\/[^/]+)\/([^/]+)\/?$/i;

/** Null for what is no resource id of these kinds. */
export function parseResourceId(text: string): ResourceId | null {
  const [, subscription, resourceGroup, type, name] = FORM.exec(text) ?? [];
  if (subscription === undefined || resourceGroup === undefined || type === undefined || name === undefined) return null;
  const kind = (Object.keys(RESOURCE_TYPES) as ResourceKind[]).find((one) => RESOURCE_TYPES[one].toLowerCase() === type.toLowerCase());
  return kind === undefined ? null : { id: text.replace(/\/$/, ""), kind, subscription, resourceGroup, name };
}

/** Built-in role of Azure, in the subscription of what it is assigned on. */
export function roleDefinition(scope: pulumi.Output<string>, role: string): pulumi.Output<string> {
  return scope.apply((id) => `/subscriptions/${id.split("/")[2]}/providers/Microsoft.Authorization/roleDefinitions/${role}`);
}

/** Finds resources by their names: among the ids that were given, else in the app's resource group. */
export class ResourceFinder {
  readonly #ids: readonly pulumi.Input<string>[];
  readonly #resourceGroup: pulumi.Input<string>;
  readonly #subscription: pulumi.Output<string>;

  constructor(ids: readonly pulumi.Input<string>[], resourceGroup: pulumi.Input<string>, subscription: pulumi.Output<string>) {
    this.#ids = ids;
    this.#resourceGroup = resourceGroup;
    this.#subscription = subscription;
  }

  find(kind: ResourceKind, name: pulumi.Input<string>): pulumi.Output<FoundResource> {
    return pulumi
      .all([pulumi.output(name), pulumi.output(this.#resourceGroup), this.#subscription, pulumi.all([...this.#ids])])
      .apply(([wanted, resourceGroup, subscription, ids]): FoundResource => {
        const found = ids
          .map(parseResourceId)
          .find((one) => one !== null && one.kind === kind && one.name.toLowerCase() === wanted.toLowerCase());
        const id = `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${RESOURCE_TYPES[kind]}/${wanted}`;
        const one = found ?? { id, kind, subscription, resourceGroup, name: wanted };
        return { ...one, own: one.subscription.toLowerCase() === subscription.toLowerCase() };
      }) as pulumi.Output<FoundResource>;
  }
}
