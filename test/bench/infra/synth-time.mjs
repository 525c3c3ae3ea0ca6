// @ts-nocheck: it runs in another project, beside the packed package.
// Milliseconds that making and synthesizing an app with N services takes, without the imports: synth-time.mjs N
import { App, Stack } from "aws-cdk-lib";
import { Vpc } from "aws-cdk-lib/aws-ec2";
import { Cluster } from "aws-cdk-lib/aws-ecs";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { apiProtect, ChioFargateService, ChioImage } from "chio-kit/aws";

/** CloudFormation takes 500 resources a stack. */
const SERVICES_A_STACK = 10;
const image = (name) => `registry.example.com/${name}@sha256:${"0".repeat(64)}`;

const started = performance.now();
const app = new App({ outdir: `cdk.out-${process.pid}` });
const shared = new Stack(app, "Shared");
const cluster = new Cluster(shared, "Cluster", { vpc: new Vpc(shared, "Vpc") });
let stack = shared;
for (let index = 0; index < Number(process.argv[2]); index++) {
  if (index % SERVICES_A_STACK === 0) stack = new Stack(app, `Services${index / SERVICES_A_STACK}`);
  new ChioFargateService(stack, `Service${index}`, {
    cluster,
    mode: apiProtect({ spec: "/etc/chio/openapi.yaml", policy: "/etc/chio/policy.yaml" }),
    app: { image: image("app") },
    sidecar: { image: ChioImage.fromRegistry(image("chio-sidecar")) },
    signingKey: new Secret(stack, `Key${index}`),
  });
}
app.synth();
console.log(performance.now() - started);
