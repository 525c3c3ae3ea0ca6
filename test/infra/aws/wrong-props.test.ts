import { Duration, Stack } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import { ChioFargateService, type ChioFargateServiceProps, ChioImage, ChioSidecar } from "../../../infra/aws/index.ts";
import { TopologyInputError } from "../../../infra/topology/index.ts";
import { APP_IMAGE, goodProps, SIDECAR_IMAGE, testStack } from "./support.ts";

/** A wrong type for every property of a service, and what its error says. */
const WRONG: { readonly [K in keyof Required<ChioFargateServiceProps>]: readonly [unknown, string] } = {
  mode: ["api-protect", "expected apiProtect({ … }) or mcpServeHttp({ … }), got a string"],
  signingKey: ["0".repeat(64), "expected an ISecret or an IParameter of the CDK, or { secret, field }, got a string"],
  capabilityAuthorityUrl: ["https://authority", "expected an ISecret or an IParameter"],
  controlToken: [{ secret: 1 }, "controlToken.secret: expected an ISecret or an IParameter"],
  sidecarSecrets: [{ PGPASSWORD: "pw" }, "sidecarSecrets.PGPASSWORD: expected an ISecret"],
  sidecar: [{ image: SIDECAR_IMAGE }, "sidecar.image: expected ChioImage.bundled(…) or ChioImage.fromRegistry(…), got a string"],
  policySource: [{ bucket: "name", key: "k" }, "policySource.bucket: expected an IBucket of the CDK, got a string"],
  receipts: [{ sink: [{ table: "receipts" }] }, "receipts.sink[0].table: expected an ITable of the CDK, got a string"],
  config: [{ kind: "fetched", bucket: "name" }, "config.bucket: expected an IBucket of the CDK, got a string"],
  logs: [{ retention: "90 days" }, "logs.retention: expected a number, got a string"],
  graceSeconds: ["30", "expected a number, got a string"],
  architecture: [64, "expected a string, got a number"],
  accept: ["CHIO-EXEC", "expected a list, got a string"],
  name: [1, "expected a string, got a number"],
  app: [{ image: APP_IMAGE, environment: { PORT: 8080 } }, "app.environment.PORT: expected a string, got a number"],
  auxiliary: [[{ image: APP_IMAGE }], "auxiliary[0].containerName: is required"],
  init: [[{ containerName: "x", image: 1 }], "init[0].image: expected a reference with a digest, a ContainerImage or a DockerImageAsset"],
  cluster: ["default", "expected an ICluster of the CDK, got a string"],
  vpc: ["vpc-1", "expected an IVpc of the CDK, got a string"],
  taskSubnets: [["subnet-1"], "expected a SubnetSelection, got a list"],
  loadBalancerSubnets: ["subnet-1", "expected a SubnetSelection, got a string"],
  family: [1, "expected a string, got a number"],
  exposure: [true, "expected a string, got a boolean"],
  certificate: ["arn:aws:acm:…", "expected an ICertificate of the CDK, got a string"],
  listenerPort: ["443", "expected a number, got a string"],
  allowFrom: [["10.0.0.0/8"], "allowFrom[0]: expected an IPeer of the CDK, got a string"],
  accessLogs: [{}, "accessLogs.bucket: is required"],
  loadBalancerDeletionProtection: ["true", "expected a boolean, got a string"],
  replicas: [3, "expected an object, got a number"],
  scaleOnCpuPercent: ["60%", "expected a number, got a string"],
  requestTimeout: [60, "expected a Duration of the CDK, got a number"],
  deregistrationDelay: [60, "expected a Duration of the CDK, got a number"],
  healthCheckGracePeriod: [null, "expected a Duration of the CDK, got null"],
  circuitBreaker: [true, "expected an object, got a boolean"],
  minHealthyPercent: ["100", "expected a number, got a string"],
  maxHealthyPercent: [Duration.seconds(1), "expected a number, got a Duration"],
  enableExecuteCommand: [1, "expected a boolean, got a number"],
};

function refused(run: () => unknown): TopologyInputError {
  try {
    run();
  } catch (error) {
    if (error instanceof TopologyInputError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a wrong property", () => {
  it.each(Object.entries(WRONG))("%s is one error that names it", (name, [value, message]) => {
    const stack = testStack();
    const error = refused(() => new ChioFargateService(stack, "Tools", { ...goodProps(stack), [name]: value } as ChioFargateServiceProps));
    expect(error.issues.map((one) => one.path)).toEqual([expect.stringMatching(new RegExp(`^${name}\\b`))]);
    expect(error.message).toContain("Test/Tools: ");
    expect(error.message).toContain(message);
    expect(stack.node.findChild("Tools").node.children).toEqual([]);
  });

  it("comes with all others, and none of the values", () => {
    const stack = new Stack();
    const all = Object.fromEntries(Object.entries(WRONG).map(([name, [value]]) => [name, value]));
    const error = refused(() => new ChioFargateService(stack, "Tools", all as unknown as ChioFargateServiceProps));
    expect(error.issues.length).toBeGreaterThanOrEqual(Object.keys(WRONG).length);
    expect(error.message).not.toContain("0".repeat(64));
  });

  it("that nobody knows, or that is not there, is named too", () => {
    const stack = testStack();
    const { signingKey: _gone, ...props } = goodProps(stack);
    const error = refused(() => new ChioFargateService(stack, "Tools", { ...props, vcp: props.vpc } as unknown as ChioFargateServiceProps));
    expect(error.issues).toEqual([
      { path: "signingKey", message: "is required" },
      { path: "vcp", message: "unknown property; did you mean vpc?" },
    ]);
    expect(refused(() => new ChioFargateService(stack, "None", undefined as never)).message).toContain("expected an object, got nothing");
    expect(refused(() => new ChioSidecar({} as never)).message).toBe(
      "ChioSidecar: mode: is required\nChioSidecar: signingKey: is required",
    );
    expect(refused(() => new ChioSidecar({ ...props, app: { port: "80" } } as never)).message).toContain("app.port: expected a number");
  });
});

describe("an image that no platform could pull", () => {
  it.each([
    ["https://registry.example.com/chio", /is a URL/],
    ["registry.example.com/Chio@sha256:", /digest that is not 64/],
    ["not an image", /is not an image reference/],
    ["registry.example.com/chio:1.2.3", /name the image by digest/],
  ])("%s is refused when it is named", (reference, message) => {
    expect(() => ChioImage.fromRegistry(reference)).toThrow(message);
  });

  it("on this machine's own registry is a finding", () => {
    const stack = testStack();
    const image = APP_IMAGE.replace("registry.example.com", "localhost:5000");
    expect(() => new ChioFargateService(stack, "Tools", { ...goodProps(stack), app: { image } })).toThrow(/CHIO-IMAGE-UNREACHABLE/);
  });
});
