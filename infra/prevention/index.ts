export { AZURE_POLICY_CODES, azureInitiative, azurePolicyDefinitions, type PolicyDefinition } from "./azure-policy.ts";
export { PREVENTION_PLATFORMS, type PreventionFile, type PreventionPlatform, preventionFiles } from "./files.ts";
export { GUARD_CODES, guardRules } from "./guard.ts";
export type { PreventionOptions } from "./options.ts";
export {
  CONSTRAINT_CODES,
  CONSTRAINT_LIMITS,
  type CustomConstraint,
  constraintFiles,
  organizationConstraints,
} from "./organization-policy.ts";
export {
  checkResource,
  chioPolicies,
  type PolicyOptions,
  type ReportViolation,
  type ResourceArgs,
  type ResourcePolicy,
} from "./pulumi-policies.ts";
