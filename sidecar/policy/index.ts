export { formatProblem, POLICY_ERRORS, PolicyError, type PolicyErrorCode, type PolicyProblem } from "./errors.ts";
export { policyHash } from "./hash.ts";
export { defaultPolicy, type LoadPolicyOptions, loadPolicy } from "./load.ts";
export {
  type DerivedTool,
  type LoadOpenApiOptions,
  loadOpenApi,
  type ManifestBody,
  type OpenApiTable,
  toManifest,
} from "./openapi/index.ts";
export type { CompiledPolicy, GuardSettings, HttpMethod, Route, RouteMatch, RoutePolicy, RouteTable } from "./types.ts";
