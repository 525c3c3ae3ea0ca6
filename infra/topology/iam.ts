import type { SecretRef } from "./secret-ref.ts";
import type { IamStatement } from "./settings.ts";

/** Actions that give out a secret's value, or the means to get it. */
const READS: Readonly<Record<string, readonly string[]>> = {
  "aws-secrets-manager": ["secretsmanager:getsecretvalue", "secretsmanager:batchgetsecretvalue"],
  "aws-ssm-parameter": ["ssm:getparameter", "ssm:getparameters", "ssm:getparameterhistory", "ssm:getparametersbypath"],
};

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
  return statement.actions.some((action) => reads.some((read) => matches(action, read))) && coversResource(statement, ref, unresolved);
}

function coversResource(statement: IamStatement, ref: SecretRef, unresolved: boolean): boolean {
  if (ref.kind !== "aws-secrets-manager" && ref.kind !== "aws-ssm-parameter") return false;
  return statement.resources.some((resource) => {
    if (resource.includes("${")) return resource === ref.arn || unresolved;
    // A policy names a secret with its six random characters, or with ?????? or * in their place; a reference may leave them out.
    return (
      matches(resource, ref.arn) ||
      matches(resource, `${ref.arn}-XXXXXX`) ||
      resource.replace(/-(?:[A-Za-z0-9]{6}|\?{6}|\*)$/, "") === ref.arn
    );
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
