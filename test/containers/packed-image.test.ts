import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DOCKERFILES } from "../../infra/image/context.ts";
import { provideBases, proxyArgs } from "../../scripts/lib/bases.mjs";
import { builders, dockerOk } from "../../scripts/lib/docker.mjs";
import { execOk } from "../../scripts/lib/exec.mjs";
import { Consumer } from "../infra/package/consumer.ts";
import { cleanUpAfterEach, runToEnd } from "./support/engine.ts";

/** What the CDK's own publisher builds from: https://docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html */
interface DockerAsset {
  source: { directory: string; dockerFile: string; platform: string; dockerBuildArgs?: Record<string, string> };
}

const ARCHITECTURE = process.arch === "arm64" ? "arm64" : "amd64";
const TAG = `chio-kit-packed:${process.pid}`;

cleanUpAfterEach();

/** `ChioImage.bundled()` of the published package, in a project that has nothing of this repository. */
describe("the bundled image of the installed package", () => {
  const consumer = new Consumer();
  beforeAll(async () => {
    await consumer.install();
    consumer.link("aws-cdk-lib", "constructs");
    const config = join(consumer.directory, "config");
    mkdirSync(config, { mode: 0o700 });
    writeFileSync(join(config, "kernel.yaml"), "nonsense: true\n", { mode: 0o600 });
  });
  afterAll(async () => {
    consumer.remove();
    await dockerOk(["image", "rm", "--force", TAG]);
  });

  it.each(["distroless", "alpine"] as const)(
    "is built from what synthesis stages, and runs: %s",
    async (flavor) => {
      const { buildArgs } = await provideBases(DOCKERFILES[flavor]);
      const assembly = join(consumer.directory, `cdk.out-${flavor}`);
      const { code, output } = await consumer.run(`
      import { App, Stack } from "aws-cdk-lib";
      import { Secret } from "aws-cdk-lib/aws-secretsmanager";
      import { apiProtect, ChioFargateService, ChioImage } from "chio-kit/aws";
      const app = new App({ outdir: ${JSON.stringify(assembly)} });
      const stack = new Stack(app, "Stack");
      new ChioFargateService(stack, "Tools", {
        mode: apiProtect({ spec: "/etc/chio/openapi.yaml", policy: "/etc/chio/policy.yaml" }),
        app: { image: "registry.example.com/app@sha256:${"0".repeat(64)}" },
        architecture: "${ARCHITECTURE}",
        sidecar: {
          image: ChioImage.bundled({
            flavor: "${flavor}",
            configDirectory: "config",
            buildArgs: ${JSON.stringify(buildArgs)},
          }),
        },
        signingKey: Secret.fromSecretNameV2(stack, "Key", "tools/signing-key"),
      });
      app.synth();`);
      expect(code, output).toBe(0);
      await build(assembly);

      expect(await runToEnd(TAG, { command: ["--version"] })).toEqual({ code: 0, output: `${consumer.manifest.version}\n` });
      // The user's files are in it, and the sidecar reads them though nobody else may on the user's machine.
      const refused = await runToEnd(TAG, { command: ["api", "protect", "--upstream", "http://127.0.0.1:8080"] });
      expect(refused.output).toContain("/etc/chio/kernel.yaml:1:1 (nonsense)");
    },
    600_000,
  );

  async function build(assembly: string): Promise<void> {
    const name = readdirSync(assembly).find((one) => one.endsWith(".assets.json"));
    const { dockerImages } = JSON.parse(readFileSync(join(assembly, String(name)), "utf8")) as {
      dockerImages: Record<string, DockerAsset>;
    };
    const [asset, ...others] = Object.values(dockerImages);
    if (asset === undefined || others.length > 0) throw new Error(`${others.length + 1} images in the assembly`);
    const { directory, dockerFile, platform, dockerBuildArgs = {} } = asset.source;
    const [builder] = await builders();
    if (builder === undefined) throw new Error("no builder works with this engine");
    const args = Object.entries(dockerBuildArgs).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
    await execOk(builder.program, ["build", "--file", dockerFile, "--platform", platform, ...proxyArgs(), ...args, "--tag", TAG, "."], {
      cwd: join(assembly, directory),
      env: { ...process.env, DOCKER_BUILDKIT: builder.builder === "buildkit" ? "1" : "0" },
    });
  }
});
