import { fixFor } from "../posture/fixes.ts";
import { KEY_VARIABLES, type Known, knownOptions, type PreventionOptions, ruleText, SECRET_VARIABLES } from "./options.ts";

/** Conditions of Azure Policy, as far as they are used here. */
export type Condition =
  | { readonly allOf: readonly Condition[] }
  | { readonly anyOf: readonly Condition[] }
  | { readonly not: Condition }
  | ({ readonly field: string } & Comparison)
  | ({ readonly count: { readonly field: string; readonly where?: Condition } } & Comparison);
export interface Comparison {
  readonly equals?: string | number | boolean;
  readonly notEquals?: string | number | boolean;
  readonly in?: readonly string[];
  readonly notLike?: string;
  readonly exists?: boolean;
  readonly less?: number;
  readonly greater?: number;
}

/** A policy definition, as `az policy definition create` and ARM take it. */
export interface PolicyDefinition {
  readonly name: string;
  readonly properties: {
    readonly displayName: string;
    readonly description: string;
    readonly policyType: "Custom";
    readonly mode: "All";
    readonly metadata: { readonly category: string; readonly version: string };
    readonly parameters: object;
    readonly policyRule: { readonly if: Condition; readonly then: { readonly effect: string } };
  };
}

const APP = "Microsoft.App/containerApps";
const CONTAINERS = `${APP}/template.containers[*]`;
const SECRETS = `${APP}/configuration.secrets[*]`;
const VOLUMES = `${APP}/template.volumes[*]`;

const any = (field: string, where?: Condition): Condition => ({ count: { field, ...(where === undefined ? {} : { where }) }, greater: 0 });
const none = (field: string, where?: Condition): Condition => ({ count: { field, ...(where === undefined ? {} : { where }) }, equals: 0 });
const isSidecar = ({ sidecar }: Known): Condition => ({ field: `${CONTAINERS}.name`, equals: sidecar });
const isOther = ({ sidecar }: Known): Condition => ({ field: `${CONTAINERS}.name`, notEquals: sidecar });
const variable = (names: readonly string[]): Condition => ({ field: `${CONTAINERS}.env[*].name`, in: names });
const plain: Condition = { field: `${CONTAINERS}.env[*].value`, exists: true };
const probe = (type: string): Condition => none(`${CONTAINERS}.probes[*]`, { field: `${CONTAINERS}.probes[*].type`, equals: type });

/** What is denied, by the code of the topology's rule. */
const DENIED: Readonly<Record<string, (known: Known) => Condition>> = {
  "CHIO-INGRESS-TARGET": ({ port }) => ({ field: `${APP}/configuration.ingress.targetPort`, notEquals: port }),
  "CHIO-EXTRA-PORT": ({ port }) => ({
    anyOf: [
      any(`${APP}/configuration.ingress.additionalPortMappings[*]`),
      {
        allOf: [
          { field: `${APP}/configuration.dapr.enabled`, equals: true },
          { field: `${APP}/configuration.dapr.appPort`, exists: true },
          { field: `${APP}/configuration.dapr.appPort`, notEquals: port },
        ],
      },
    ],
  }),
  "CHIO-PLAIN-HTTP": () => ({ field: `${APP}/configuration.ingress.allowInsecure`, equals: true }),
  "CHIO-SIGNING-KEY-SCOPE": (known) => ({
    anyOf: [
      any(CONTAINERS, { allOf: [isOther(known), any(`${CONTAINERS}.env[*]`, variable(KEY_VARIABLES))] }),
      any(`${CONTAINERS}.env[*]`, { allOf: [variable(["CHIO_SIGNING_KEY"]), plain] }),
    ],
  }),
  "CHIO-SECRET-SCOPE": (known) => ({
    anyOf: [
      any(CONTAINERS, { allOf: [isOther(known), any(`${CONTAINERS}.env[*]`, variable(SECRET_VARIABLES))] }),
      any(`${CONTAINERS}.env[*]`, { allOf: [variable(SECRET_VARIABLES), plain] }),
    ],
  }),
  "CHIO-SECRET-STORE": () => any(SECRETS, { field: `${SECRETS}.keyVaultUrl`, exists: false }),
  "CHIO-SECRET-VOLUME": () =>
    any(VOLUMES, { allOf: [{ field: `${VOLUMES}.storageType`, equals: "Secret" }, none(`${VOLUMES}.secrets[*]`)] }),
  "CHIO-IDENTITY-EXPOSED": () => ({
    allOf: [
      any(SECRETS),
      none(`${APP}/configuration.identitySettings[*]`, { field: `${APP}/configuration.identitySettings[*].lifecycle`, equals: "None" }),
    ],
  }),
  "CHIO-PROBE-MISSING": (known) =>
    any(CONTAINERS, { allOf: [isSidecar(known), { anyOf: [probe("Startup"), probe("Liveness"), probe("Readiness")] }] }),
  "CHIO-GRACE": () => ({ field: `${APP}/template.terminationGracePeriodSeconds`, less: 30 }),
  "CHIO-DRAIN": (known) =>
    any(CONTAINERS, { allOf: [isSidecar(known), none(`${CONTAINERS}.env[*]`, variable(["CHIO_SHUTDOWN_DRAIN_MS"]))] }),
  "CHIO-SIDECAR-COMMAND": (known) =>
    any(CONTAINERS, { allOf: [isSidecar(known), { anyOf: [any(`${CONTAINERS}.command[*]`), none(`${CONTAINERS}.args[*]`)] }] }),
  "CHIO-IMAGE-UNPINNED": () => any(CONTAINERS, { field: `${CONTAINERS}.image`, notLike: "*@sha256:*" }),
};

export const AZURE_POLICY_CODES: readonly string[] = Object.keys(DENIED);

/** One definition for each rule that Azure Policy can say of a container app. The names of the aliases were not tried on an Azure account. */
export function azurePolicyDefinitions(options: PreventionOptions = {}): PolicyDefinition[] {
  const known = knownOptions(options);
  const governed = any(CONTAINERS, isSidecar(known));
  const definitions = AZURE_POLICY_CODES.map((code) => definition(code, [governed, DENIED[code]?.(known) ?? governed], known));
  return known.requireSidecar ? [definition("CHIO-SIDECAR-COUNT", [{ not: governed }], known), ...definitions] : definitions;
}

function definition(code: string, denied: readonly Condition[], { sidecar }: Known): PolicyDefinition {
  const { title, why, fix } = ruleText(code);
  const advice = code === "CHIO-SIDECAR-COUNT" ? `add the container ${sidecar}` : fixFor(code, "arm-template", "aca", fix);
  return {
    name: code.toLowerCase(),
    properties: {
      displayName: `${code}: ${title}`,
      description: `${why} Fix: ${advice}.`,
      policyType: "Custom",
      mode: "All",
      metadata: { category: "Container Apps", version: "1.0.0" },
      parameters: {
        effect: { type: "String", allowedValues: ["Deny", "Audit", "Disabled"], defaultValue: "Deny", metadata: { displayName: "Effect" } },
      },
      // biome-ignore lint/suspicious/noThenProperty: Azure Policy's own word
      policyRule: { if: { allOf: [{ field: "type", equals: APP }, ...denied] }, then: { effect: "[parameters('effect')]" } },
    },
  };
}

/** All definitions as one initiative, so that one assignment holds a scope to them. `SCOPE`: where the definitions are. */
export function azureInitiative(options: PreventionOptions = {}): object {
  return {
    name: "chio-sidecar",
    properties: {
      displayName: "Container apps with the chio sidecar",
      description: "What a container app with the sidecar must hold to.",
      policyType: "Custom",
      metadata: { category: "Container Apps", version: "1.0.0" },
      parameters: { effect: { type: "String", allowedValues: ["Deny", "Audit", "Disabled"], defaultValue: "Deny" } },
      policyDefinitions: azurePolicyDefinitions(options).map(({ name }) => ({
        policyDefinitionReferenceId: name,
        policyDefinitionId: `SCOPE/providers/Microsoft.Authorization/policyDefinitions/${name}`,
        parameters: { effect: { value: "[parameters('effect')]" } },
      })),
    },
  };
}
