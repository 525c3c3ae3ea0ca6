import type { SecretRef } from "./secret-ref.ts";
import type { IamStatement } from "./settings.ts";

/** Actions that give out a secret's value, or the means to get it. */
const READS: Readonly<Record<string, readonly string[]>> = {
  "aws-secrets-manager": ["secretsmanager:getsecretvalue", "secretsmanager:batchgetsecretvalue"],
  "aws-ssm-parameter": ["ssm:getparameter", "ssm:getparameters", "ssm:getparameterhistory", "ssm:getparametersbypath"],
};

const BY_PATH = "ssm:getparametersbypath";

/** Whether an Allow statement covers reading this secret. An unresolved resource counts as covering: nobody can say that it does not. */
export function statementReadsSecret(statement: IamStatement, ref: SecretRef): boolean {
  return statement.effect === "Allow" && covers(statement, ref, true);
}

/** Whether a Deny covers every way to read it. Unresolved resources do not count here. */
export function deniesSecret(statements: readonly IamStatement[], ref: SecretRef): boolean {
  const reads = READS[ref.kind] ?? [];
  return (
    reads.length > 0 &&
    reads.every((read) =>
      statements.some(
        (one) => one.effect === "Deny" && one.actions.some((action) => matches(action, read)) && coversResource(one, ref, false),
      ),
    )
  );
}

function covers(statement: IamStatement, ref: SecretRef, unresolved: boolean): boolean {
  const reads = READS[ref.kind] ?? [];
  const allowed = (read: string) => statement.actions.some((action) => matches(action, read));
  if (reads.some(allowed) && coversResource(statement, ref, unresolved)) return true;
  // Read by path, a parameter comes with every path above it.
  return allowed(BY_PATH) && pathsAbove(ref).some((above) => coversResource(statement, above, unresolved));
}

function pathsAbove(ref: SecretRef): SecretRef[] {
  if (ref.kind !== "aws-ssm-parameter") return [];
  const [start = "", ...names] = ref.arn.split("/");
  return names.map((_name, index) => ({ ...ref, arn: index === 0 ? `${start}/` : [start, ...names.slice(0, index)].join("/") }));
}

function coversResource(statement: IamStatement, ref: SecretRef, unresolved: boolean): boolean {
  if (ref.kind !== "aws-secrets-manager" && ref.kind !== "aws-ssm-parameter") return false;
  return statement.resources.some((resource) => {
    if (resource.includes("${")) return resource === ref.arn || unresolved;
    if (matches(resource, ref.arn)) return true;
    if (ref.kind === "aws-ssm-parameter") return false;
    // A policy names a secret with its six random characters, or with ?????? or * in their place; a reference may leave them out.
    return matches(resource, `${ref.arn}-XXXXXX`) || resource.replace(/-(?:[A-Za-z0-9]{6}|\?{6}|\*)$/, "") === ref.arn;
  });
}

/** IAM's wildcards: `*` any run, `?` one character; case does not count in actions. */
function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`, "is").test(text);
}

/** Policies of AWS that read secrets. Their text is in no document; the other ones of AWS for task roles read none. */
const AWS_POLICIES: Readonly<Record<string, readonly string[]>> = {
  AdministratorAccess: ["*"],
  PowerUserAccess: ["*"],
  SecretsManagerReadWrite: ["secretsmanager:*"],
  AmazonSSMFullAccess: ["ssm:*"],
  AmazonSSMReadOnlyAccess: ["ssm:Get*", "ssm:List*", "ssm:Describe*"],
};
const REGIONAL = /^arn:([^:]*):(secretsmanager|ssm):([^:]*):([^:]*):/;

/** What a policy that is named by its ARN allows. The text of a customer's own one is not known here: it counts as everything. */
export function awsPolicyStatements(arn: string): IamStatement[] {
  if (!/:iam::aws:policy\//.test(arn)) return [{ effect: "Allow", actions: ["*"], resources: [`\${${arn}}`] }];
  const actions = AWS_POLICIES[arn.slice(arn.lastIndexOf("/") + 1)];
  return actions === undefined ? [] : [{ effect: "Allow", actions, resources: ["*"] }];
}

/** A statement of a policy document, its scalars as lists and its intrinsics as text. */
export interface StatementText {
  readonly effect: string | undefined;
  readonly actions: readonly string[] | undefined;
  readonly notActions: readonly string[] | undefined;
  readonly resources: readonly string[] | undefined;
  readonly notResources: readonly string[] | undefined;
  readonly conditional: boolean;
}

/** A statement for the model. A Deny under conditions denies nothing for sure, and is left out. */
export function readStatement({ effect, actions, notActions, resources, notResources, conditional }: StatementText): IamStatement[] {
  const deny = effect === "Deny";
  if (deny && (conditional || notActions !== undefined || notResources !== undefined)) return [];
  const named = notActions === undefined ? (actions ?? []) : actionsBut(notActions);
  if (named.length === 0) return [];
  const places = notResources === undefined ? (resources ?? []) : ["*"];
  const everywhere = places.map((one) => one.replace(REGIONAL, (_all, _partition, service) => `arn:*:${service}:*:*:`));
  return [{ effect: deny ? "Deny" : "Allow", actions: named, resources: everywhere }];
}

/** What is not excluded is allowed; only an exclusion of a whole service takes its reads away. */
function actionsBut(excluded: readonly string[]): string[] {
  const without = (action: string) => excluded.some((one) => ["*", action].includes(one.toLowerCase()));
  const left = ["secretsmanager:*", "ssm:*"].filter((action) => !without(action));
  return left.length === 2 ? ["*"] : left;
}
