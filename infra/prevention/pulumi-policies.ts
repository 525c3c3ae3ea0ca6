import { At } from "../posture/at.ts";
import { OWN_RULES } from "../posture/document-rules.ts";
import { fixFor } from "../posture/fixes.ts";
import { readStackResource, stackFormat } from "../posture/pulumi.ts";
import { RULES } from "../topology/rules/index.ts";
import { formatPath } from "../topology/schema/parse.ts";
import type { Finding } from "../topology/types.ts";
import { validate } from "../topology/validate.ts";

/** What a policy pack hands to a rule: `ResourceValidationArgs` of @pulumi/policy has these. */
export interface ResourceArgs {
  readonly type: string;
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: as @pulumi/policy has it
  readonly props: Record<string, any>;
}
export type ReportViolation = (message: string, urn?: string) => void;

/** Fits `ResourceValidationPolicy` of @pulumi/policy, which is not needed to make it. */
export interface ResourcePolicy {
  readonly name: string;
  readonly description: string;
  readonly enforcementLevel: "advisory" | "mandatory";
  readonly validateResource: (args: ResourceArgs, reportViolation: ReportViolation) => void;
}

export interface PolicyOptions {
  /** Name of the sidecar's container, where it cannot be told. */
  readonly sidecar?: string;
}

/**
 * One policy for each rule of the topology, for Cloud Run services, Azure container apps and ECS task definitions: `new PolicyPack("chio",
 * { policies: chioPolicies() })`. Errors are mandatory, warnings advisory. What a preview does not know yet is passed by.
 */
export function chioPolicies(options: PolicyOptions = {}): ResourcePolicy[] {
  const check = remembered(options);
  return [...RULES.filter(({ severity }) => severity !== "info"), ...OWN_RULES].map(({ code, severity, title, why }) => ({
    name: code.toLowerCase(),
    description: `${title}. ${why}`,
    enforcementLevel: severity === "error" ? "mandatory" : "advisory",
    validateResource: (args, reportViolation) => {
      for (const found of check(args)) if (found.code === code) reportViolation(`${found.path}: ${found.message}. Fix: ${found.fix}`);
    },
  }));
}

/** Findings about the properties of one resource; none for a resource of another kind, or without a sidecar. */
export function checkResource({ type, name, props }: ResourceArgs, options: PolicyOptions = {}): Finding[] {
  const format = stackFormat(type);
  if (format === null) return [];
  const result = readStackResource(type, new At(props, []), { sidecar: options.sidecar, origin: name, fallbackName: name });
  if (result?.kind !== "service") return [];
  const { graph, reading, at } = result;
  const own = reading.breaches.map((one): Finding => {
    const rule = [...RULES, ...OWN_RULES].find(({ code }) => code === one.code);
    return {
      code: one.code,
      severity: rule?.severity ?? "error",
      path: formatPath(one.at.path),
      message: one.message,
      fix: one.fix ?? fixFor(one.code, format, graph.platform, rule?.fix ?? ""),
      link: "",
    };
  });
  const found = validate(graph, graph.platform).map((one) => ({
    ...one,
    path: formatPath((reading.find(one.path) ?? at).path),
    fix: fixFor(one.code, format, graph.platform, one.fix),
  }));
  return [...found, ...own];
}

/** All policies of a pack look at the same resource: it is read once. */
function remembered(options: PolicyOptions): (args: ResourceArgs) => readonly Finding[] {
  const seen = new WeakMap<object, readonly Finding[]>();
  return (args) => {
    const before = seen.get(args.props);
    if (before !== undefined) return before;
    const found = checkResource(args, options);
    seen.set(args.props, found);
    return found;
  };
}
