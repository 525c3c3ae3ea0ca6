import { azureInitiative, azurePolicyDefinitions } from "./azure-policy.ts";
import { guardRules } from "./guard.ts";
import type { PreventionOptions } from "./options.ts";
import { constraintFiles, organizationConstraints } from "./organization-policy.ts";

/** Platforms that have a language for rules of their own. */
export const PREVENTION_PLATFORMS = ["ecs", "cloud-run", "aca"] as const;
export type PreventionPlatform = (typeof PREVENTION_PLATFORMS)[number];

export interface PreventionFile {
  /** Relative to the output directory. */
  readonly path: string;
  readonly text: string;
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** The rules of one platform as the files that its tools take. */
export function preventionFiles(platform: PreventionPlatform, options: PreventionOptions = {}): PreventionFile[] {
  switch (platform) {
    case "ecs":
      return [{ path: "chio.guard", text: guardRules(options) }];
    case "cloud-run":
      return organizationConstraints(options).flatMap(constraintFiles);
    case "aca":
      return [
        ...azurePolicyDefinitions(options).map((one) => ({ path: `definitions/${one.name}.json`, text: json(one) })),
        { path: "initiative.json", text: json(azureInitiative(options)) },
      ];
  }
}
