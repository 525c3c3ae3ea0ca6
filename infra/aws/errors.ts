/** Codes of the constructs' own errors, each with its cause. docs/errors.md lists them; those of the model are in infra/topology. */
export const AWS_ERRORS = {
  cdk_missing: "The CDK is not installed.",
  image_tag: "An image of the sidecar is not named by digest.",
  image_unknown: "An image is of a kind that says nothing about how it is pinned.",
  parameter_part: "A field, a stage or a version was asked of a parameter, which has none.",
  parameter_plain: "A parameter keeps a secret in plain text.",
  vpc_addresses: "An imported VPC does not say its addresses, so that nobody is allowed to call.",
  vpc_differs: "The VPC that is given is not the cluster's.",
  not_fargate: "The task definition is not one for Fargate, where all containers share loopback.",
  extended_twice: "One ChioSidecar was given to two task definitions.",
  not_extended: "A ChioSidecar was asked for what it has only once a task definition has it.",
} as const;
export type AwsErrorCode = keyof typeof AWS_ERRORS;

/** Deliberate error of `chio-kit/aws`. `fix`: what to do about it. */
export class AwsPropsError extends Error {
  readonly code: AwsErrorCode;
  readonly fix: string;

  constructor(code: AwsErrorCode, message: string, fix: string, options: { cause?: unknown } = {}) {
    super(`${message}; ${fix}`, options);
    this.name = "AwsPropsError";
    this.code = code;
    this.fix = fix;
  }
}
