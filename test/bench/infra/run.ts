// Benchmark of the deployment kit, on the package as it is published. `npm run bench -- --only infra`.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { Consumer } from "../../infra/package/consumer.ts";
import { type Figure, interleave } from "../lib/figures.ts";
import { table } from "../lib/report.ts";
import { writeResults } from "../lib/results.ts";

const ROUNDS = 7;
const SYNTH_ROUNDS = 3;
/** What the service.yaml of docs/topology.md leaves to the constructs. */
const MADE_BY_CONSTRUCTS = `ecs:
  region: us-east-1
  executionRoleArn: arn:aws:iam::111122223333:role/exec
  taskRoleArn: arn:aws:iam::111122223333:role/task
cloudRun:
  serviceAccount: run@team.iam.gserviceaccount.com
`;
const HERE = import.meta.dirname;
const consumer = new Consumer();

/** Runs a program of this folder in the user's project; it prints milliseconds. */
async function milliseconds(program: string, ...args: readonly string[]): Promise<number> {
  const { code, output } = await consumer.node(program, ...args);
  const value = Number(output.trim().split("\n").at(-1));
  if (code !== 0 || Number.isNaN(value)) throw new Error(`${program} ${args.join(" ")} ended with ${code}\n${output}`);
  return value;
}

/** From the start of the process to its end: what somebody waits for who types the command. */
async function rendering(): Promise<Figure[]> {
  const service = readFileSync(inRoot("docs/topology.md"), "utf8").match(/```yaml\n([\s\S]*?)```/)?.[1];
  if (service === undefined) throw new Error("docs/topology.md has no service.yaml");
  writeFileSync(join(consumer.directory, "service.yaml"), `${service}${MADE_BY_CONSTRUCTS}`);
  const command = [join(consumer.installed, "dist/lib/infra/cli/main.js"), "render", "service.yaml"];
  const platforms = ["cloud-run", "ecs", "aca"].flatMap((name) => ["--platform", name]);
  const { all } = await interleave(ROUNDS, {
    all: async () => {
      const started = performance.now();
      const { code, output } = await consumer.node(...command, ...platforms, "--out", "manifests", "--force");
      if (code !== 0) throw new Error(`chio-kit render ended with ${code}\n${output}`);
      return performance.now() - started;
    },
  });
  return [{ name: "chio-kit render, three platforms, one process", value: all, unit: "ms", target: "< 1,000 ms", met: all < 1000 }];
}

/** Beside aws-cdk-lib, as every CDK app imports it, and beside it with the modules that an app with a Fargate service names anyway. */
async function importing(): Promise<Figure[]> {
  const modules = ["aws-ec2", "aws-ecs", "aws-elasticloadbalancingv2", "aws-logs", "aws-secretsmanager"].map(
    (name) => `aws-cdk-lib/${name}`,
  );
  const time = (...names: string[]) => milliseconds("import-time.mjs", ...names);
  const { cdk, both, fargate, fargateBoth } = await interleave(ROUNDS, {
    cdk: () => time("aws-cdk-lib"),
    both: () => time("aws-cdk-lib", "chio-kit/aws"),
    fargate: () => time("aws-cdk-lib", ...modules),
    fargateBoth: () => time("aws-cdk-lib", ...modules, "chio-kit/aws"),
  });
  return [
    {
      name: "import of aws-cdk-lib and chio-kit/aws",
      value: both,
      unit: "ms",
      floor: { name: "aws-cdk-lib alone", value: cdk },
      ratio: both / cdk,
      target: "<= 1.2 of the floor",
      met: both / cdk <= 1.2,
    },
    {
      name: "the same in an app that names the modules of a Fargate service",
      value: fargateBoth,
      unit: "ms",
      floor: { name: "without chio-kit/aws", value: fargate },
      ratio: fargateBoth / fargate,
      met: null,
    },
  ];
}

/** Linear: the services from the 21st to the 50th cost as much each as those from the 11th to the 20th. */
async function synthesis(): Promise<Figure[]> {
  const services = (count: number) => () => milliseconds("synth-time.mjs", String(count));
  const { ten, twenty, fifty } = await interleave(SYNTH_ROUNDS, { ten: services(10), twenty: services(20), fifty: services(50) });
  const [early, late] = [(twenty - ten) / 10, (fifty - twenty) / 30];
  return [
    { name: "synth, 10 services in one app", value: ten, unit: "ms", met: null },
    { name: "synth, 20 services", value: twenty, unit: "ms", floor: { name: "10 services", value: ten }, ratio: twenty / ten, met: null },
    { name: "synth, 50 services", value: fifty, unit: "ms", floor: { name: "10 services", value: ten }, ratio: fifty / ten, met: null },
    {
      name: "each service from the 21st to the 50th",
      value: late,
      unit: "ms",
      floor: { name: "each from the 11th to the 20th", value: early },
      ratio: late / early,
      target: "<= 1.25: linear",
      met: late / early <= 1.25,
    },
  ];
}

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const figures: Figure[] = [];
try {
  await consumer.install();
  consumer.link("aws-cdk-lib", "constructs");
  for (const program of ["import-time.mjs", "synth-time.mjs"]) copyFileSync(join(HERE, program), join(consumer.directory, program));
  for (const [name, scenario] of Object.entries({ rendering, importing, synthesis })) {
    console.error(`bench: ${name} …`);
    figures.push(...(await scenario()));
  }
} finally {
  consumer.remove();
}

console.log(table(figures));
if (values.write) writeResults(HERE, figures);
if (figures.some((figure) => figure.met === false)) console.error("bench: a target was missed, see above");
