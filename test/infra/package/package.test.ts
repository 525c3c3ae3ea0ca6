import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { Consumer, type PackageManifest } from "./consumer.ts";

/** What each subpath needs beside the dependencies. A user of one installs nothing of the others. */
const PEERS: Record<string, readonly string[]> = {
  "./aws": ["aws-cdk-lib", "constructs"],
  "./azure": ["@pulumi/azure-native", "@pulumi/pulumi"],
  "./gcp": ["@pulumi/gcp", "@pulumi/pulumi"],
  "./testing/lifecycle": ["vitest"],
};
/** Loaded when it is needed, and its absence then explained. */
const LATE_PEERS = ["@resvg/resvg-js", "dejavu-fonts-ttf", "testcontainers"];
const MAX_PACKED_BYTES = 1_000_000;

const manifest = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as PackageManifest;
const subpaths = Object.keys(manifest.exports).filter((path) => typeof manifest.exports[path] !== "string");
const peersOf = (path: string) => PEERS[path] ?? [];
const specifier = (path: string) => JSON.stringify(manifest.name + path.slice(1));

const consumer = new Consumer();
beforeAll(() => consumer.install(), 300_000);
afterAll(() => consumer.remove());

/** Until the test ends, the project has these beside the package. */
function withPeers(...names: readonly string[]): void {
  consumer.link(...names);
  onTestFinished(() => consumer.unlink(...names));
}

describe("what is packed", () => {
  const files = () => readdirSync(consumer.installed, { recursive: true, encoding: "utf8" }).sort();

  it("has every file that package.json names", () => {
    const named = [
      ...Object.values(manifest.bin),
      ...Object.values(manifest.exports).flatMap((one) => (typeof one === "string" ? one : Object.values(one))),
    ];
    expect(named.filter((path) => !statSync(join(consumer.installed, path)).isFile())).toEqual([]);
  });

  it("has nothing that points to files which are not there: source maps, other modules", () => {
    const code = files().filter((path) => /^dist\/.*\.(js|ts)$/.test(path));
    const text = (path: string) => readFileSync(join(consumer.installed, path), "utf8");
    expect(code.filter((path) => text(path).includes("sourceMappingURL"))).toEqual([]);
    const there = new Set(files());
    const lost = code.flatMap((path) =>
      [...text(path).matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)]
        .map(([, to]) => join(path, "..", String(to)))
        .filter((to) => !there.has(to) && !there.has(to.replace(/\.ts$/, ".d.ts")))
        .map((to) => `${path}: ${to}`),
    );
    expect(lost).toEqual([]);
  });

  it("leaves out tests, caches and what only a clone needs", () => {
    expect(
      files().filter((path) => /(^|\/)(node_modules|cdk\.out|\.cache|test)(\/|$)|\.(test\.ts|tsbuildinfo|tgz|log)$/.test(path)),
    ).toEqual([]);
  });

  it("has every program that its code starts by address, and no code that looks for files beside itself", () => {
    const known = ["infra/package-root.ts", "sidecar/ledger/worker-url.ts"];
    const sources = ["infra", "sidecar"].flatMap((root) =>
      readdirSync(inRoot(root), { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".ts") && !path.startsWith("examples"))
        .map((path) => join(root, path)),
    );
    const text = (path: string) => readFileSync(inRoot(path), "utf8").replaceAll("createRequire(import.meta.url)", "");
    expect(sources.filter((path) => /import\.meta\.(url|dirname|filename)/.test(text(path)) && !known.includes(path))).toEqual([]);
    const started = sources.flatMap((path) => [...text(path).matchAll(/programUrl\("([^"]+)"\)/g)].map(([, one]) => `dist/lib/${one}.js`));
    expect(["dist/lib/sidecar/ledger/worker.js", ...started].filter((path) => !files().includes(path))).toEqual([]);
  });

  it(`is under ${MAX_PACKED_BYTES / 1e6} MB`, () => {
    const { size } = statSync(consumer.tarball);
    console.log(`npm package: ${(size / 1e3).toFixed(0)} kB packed, ${files().length} files`);
    expect(size).toBeLessThan(MAX_PACKED_BYTES);
  });

  it("passes publint, strictly", async () => {
    const tarball = readFileSync(consumer.tarball);
    const { messages, pkg } = await publint({
      strict: true,
      pack: { tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length) },
    });
    expect(messages.map((message) => formatMessage(message, pkg ?? {}))).toEqual([]);
  });

  it("passes attw: types resolve as code does, for ES modules and bundlers", async () => {
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(consumer.tarball))));
    if (result.types === false) throw new Error("no types found");
    // Subpaths are beyond the resolution of Node 10, and CommonJS loads these ES modules with `require`, which a test below does.
    const beside = (kind: string | undefined) => kind === "node10" || kind === "node16-cjs";
    const problems = result.problems.filter((one) => !("resolutionKind" in one && beside(one.resolutionKind)));
    expect(problems.map((one) => JSON.stringify(one))).toEqual([]);
  });
});

describe("each subpath", () => {
  it("has declared peers, all optional", () => {
    expect(Object.keys(manifest.peerDependencies).sort()).toEqual([...new Set([...Object.values(PEERS).flat(), ...LATE_PEERS])].sort());
    for (const name of Object.keys(manifest.peerDependencies)) expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
  });

  it.each(subpaths)("%s is imported, and required, with only its own peers present", async (path) => {
    withPeers(...peersOf(path));
    const imported = await consumer.run(`console.log(Object.keys(await import(${specifier(path)})).length)`);
    expect(imported.code, imported.output).toBe(0);
    expect(Number(imported.output)).toBeGreaterThan(0);
    const required = await consumer.run(`console.log(Object.keys(require(${specifier(path)})).length)`, "commonjs");
    expect(Number(required.output), required.output).toBe(Number(imported.output));
  });

  it.each(subpaths.filter((path) => peersOf(path).length > 0))("%s names the peer that is missing", async (path) => {
    const { code, output } = await consumer.run(`await import(${specifier(path)}).catch((error) => console.log(error.message))`);
    expect(code).toBe(0);
    expect(output).toMatch(new RegExp(`'(${peersOf(path).join("|")})'|needs (${peersOf(path).join("|")})`));
  });

  it("./aws says what to install where the CDK is missing", async () => {
    withPeers("constructs");
    const { output } = await consumer.run(`await import(${specifier("./aws")}).catch((error) => console.log(error.message))`);
    expect(output.trim()).toBe("chio-kit/aws needs aws-cdk-lib, which is not installed; npm install aws-cdk-lib constructs");
  });
});

describe("types", () => {
  const program = `${subpaths.map((path, index) => `import * as m${index} from ${specifier(path)};`).join("\n")}
import { ChioKernel, Keypair } from "chio-kit/kernel";
import { defineTopology, TopologyError, type TopologyProps } from "chio-kit/topology";
import { apiProtect, ChioFargateService, type ChioFargateServiceProps } from "chio-kit/aws";
export const key: string = Keypair.generate().publicKeyHex;
export const run = (props: TopologyProps): string => defineTopology(props).graphs.ecs.name;
export const mode: ChioFargateServiceProps["mode"] = apiProtect({ spec: "/etc/chio/openapi.yaml" });
// @ts-expect-error a spec is a path
export const wrong = apiProtect({ spec: 1 });
export { ChioFargateService, ChioKernel, TopologyError };
export const all = [${subpaths.map((_path, index) => `m${index}`).join(", ")}];
`;
  const resolutions = {
    node16: ["--module", "node16"],
    bundler: ["--module", "preserve", "--moduleResolution", "bundler"],
  };

  it.each(Object.entries(resolutions))(
    "hold in a strict program with resolution %s, library declarations included",
    async (_name, flags) => {
      withPeers(...new Set(Object.values(PEERS).flat()));
      writeFileSync(join(consumer.directory, "types.mts"), program);
      const strict = ["--noEmit", "--strict", "--target", "es2024", "--types", ""];
      const { output } = await consumer.node(inRoot("node_modules/typescript/bin/tsc"), ...strict, ...flags, "types.mts");
      expect(output.split("\n").filter((line) => line !== "" && !line.startsWith(" "))).toEqual([]);
    },
  );
});

describe("what is bundled", () => {
  it("exists once: an error of one subpath is the class of another", async () => {
    withPeers(...peersOf("./aws"));
    const { output } = await consumer.run(`
      import { App, Stack } from "aws-cdk-lib";
      import { Secret } from "aws-cdk-lib/aws-secretsmanager";
      import { apiProtect, ChioFargateService, ChioImage } from "chio-kit/aws";
      import { TopologyError } from "chio-kit/topology";
      const stack = new Stack(new App(), "Stack");
      try {
        new ChioFargateService(stack, "Tools", {
          mode: apiProtect({ spec: "/etc/chio/openapi.yaml" }),
          app: { image: "registry.example.com/app:latest" },
          sidecar: { image: ChioImage.fromRegistry("registry.example.com/chio@sha256:" + "0".repeat(64)) },
          signingKey: Secret.fromSecretNameV2(stack, "Key", "key"),
        });
      } catch (error) {
        console.log(error instanceof TopologyError, error.findings.map((one) => one.code).join());
      }`);
    expect(output.trim()).toBe("true CHIO-IMAGE-UNPINNED");
  });

  it("finds the thread of the ledger", async () => {
    const { code, output } = await consumer.run(`
      import { Keypair } from "chio-kit/kernel";
      import { openLedger } from "chio-kit/ledger";
      const signer = { publicKeyHex: Keypair.generate().publicKeyHex, signCheckpoint() {}, completeOpenDecision() {} };
      const checkpoint = { batchSize: 100, intervalMs: 60_000 };
      const retention = { maxAgeDays: 1, maxBytes: 1e6 };
      const store = { path: "receipts.sqlite", acknowledge: "ledger", queueLimit: 16, sinks: [], now: Date.now };
      await (await openLedger({ ...store, signer, checkpoint, retention })).close();
      console.log("closed");`);
    expect(output, output).toContain("closed");
    expect(code).toBe(0);
  });

  it("signs as the sources do", async () => {
    const { output } = await consumer.run(`
      import { Keypair } from "chio-kit/kernel";
      console.log(Keypair.fromSeedHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").publicKeyHex);`);
    expect(output.trim()).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  });
});

describe("the command line", () => {
  const kit = (...args: readonly string[]) => consumer.node(join(consumer.installed, String(manifest.bin["chio-kit"])), ...args);

  it("runs, and is executable", async () => {
    expect((await kit("--version")).output.trim()).toBe(manifest.version);
    expect(statSync(join(consumer.installed, String(manifest.bin["chio-kit"]))).mode & 0o111).toBe(0o111);
  });
});
