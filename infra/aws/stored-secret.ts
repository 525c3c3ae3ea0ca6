import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { IParameter } from "aws-cdk-lib/aws-ssm";
import { awsSecret, type SecretRef, ssmParameter } from "../topology/index.ts";
import { AwsPropsError } from "./errors.ts";
import type { ChioSecret } from "./props.ts";

/** What the CDK has for a secret: one of Secrets Manager, or a parameter of Systems Manager. */
export type StoredSecret = ISecret | IParameter;

export function isParameter(stored: StoredSecret): stored is IParameter {
  return "parameterArn" in stored;
}

export function arnOf(stored: StoredSecret): string {
  return isParameter(stored) ? stored.parameterArn : stored.secretArn;
}

/** As the model refers to it. `seen` learns what stands behind the ARN. */
export function secretRef(given: ChioSecret, seen: Map<string, StoredSecret>): SecretRef {
  const { secret, ...which } = "secret" in given ? given : { secret: given };
  seen.set(arnOf(secret), secret);
  if (!isParameter(secret)) return awsSecret(secret.secretArn, which);
  if (Object.values(which).some((one) => one !== undefined)) {
    throw new AwsPropsError(
      "parameter_part",
      `${secret.node.path}: a parameter has no field, stage or version`,
      "leave them out, or use Secrets Manager",
    );
  }
  // A template can make plain ones only, and would hold the value itself.
  if (secret.parameterType !== "SecureString") {
    throw new AwsPropsError(
      "parameter_plain",
      `${secret.node.path}: a parameter that is no SecureString keeps the secret in plain text`,
      "put it as a SecureString, outside the stack, and import it with StringParameter.fromSecureStringParameterAttributes",
    );
  }
  return ssmParameter(secret.parameterArn);
}
