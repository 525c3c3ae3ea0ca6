import { createRequire } from "node:module";
import { AwsPropsError } from "./errors.ts";

const load = createRequire(import.meta.url);

/**
 * The CDK's modules. They load a class when it is first named, and an ES `import` of them names all: through `import` this package would take as
 * long to load as the whole of aws-cdk-lib, and so it takes an eighth. Types are imported as ever.
 */
function cdkModule<T>(name: string): T {
  try {
    return load(name);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw cause;
    const message = `chio-kit/aws needs ${name}, which is not installed`;
    throw new AwsPropsError("cdk_missing", message, "npm install aws-cdk-lib constructs", { cause });
  }
}

export const cdk = cdkModule<typeof import("aws-cdk-lib")>("aws-cdk-lib");
export const ec2 = cdkModule<typeof import("aws-cdk-lib/aws-ec2")>("aws-cdk-lib/aws-ec2");
export const ecrAssets = cdkModule<typeof import("aws-cdk-lib/aws-ecr-assets")>("aws-cdk-lib/aws-ecr-assets");
export const ecs = cdkModule<typeof import("aws-cdk-lib/aws-ecs")>("aws-cdk-lib/aws-ecs");
export const elbv2 = cdkModule<typeof import("aws-cdk-lib/aws-elasticloadbalancingv2")>("aws-cdk-lib/aws-elasticloadbalancingv2");
export const iam = cdkModule<typeof import("aws-cdk-lib/aws-iam")>("aws-cdk-lib/aws-iam");
export const awsLogs = cdkModule<typeof import("aws-cdk-lib/aws-logs")>("aws-cdk-lib/aws-logs");
export const secretsmanager = cdkModule<typeof import("aws-cdk-lib/aws-secretsmanager")>("aws-cdk-lib/aws-secretsmanager");
