import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { buildLibrary } from "../../../scripts/lib/library.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";

interface Manifest {
  name: string;
  version: string;
  exports: Record<string, string | { types: string; default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
}

/** What each subpath needs beside the dependencies. A user of one installs nothing of the others. */
const PEERS: Record<string, readonly string[]> = {
  "./aws": ["aws-cdk-lib", "constructs"],
  "./gcp": ["@pulumi/gcp", "@pulumi/pulumi"],
  "./azure": ["@pulumi/azure-native", "@pulumi/pulumi"],
};

const manifest = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as Manifest;
const node = (args: string[], cwd: string) => execFileSync(process.execPath, args, { cwd, encoding: "utf8" });

/** The package as a user installs it: compiled, packed, unpacked beside its dependencies. */
describe("the npm package", () => {
  let consumer: string;
  let packed: string;

  beforeAll(async () => {
    consumer = mkdtempSync(join(tmpdir(), "chio-package-"));
    const modules = join(consumer, "node_modules");
    mkdirSync(modules);
    // As `prepack` does, but into this folder: the clone's own dist/lib stays as it is.
    packed = join(modules, manifest.name);
    mkdirSync(packed);
    await buildLibrary(join(packed, "dist/lib"));
    writeFileSync(join(packed, "package.json"), JSON.stringify(manifest));
    for (const name of Object.keys(manifest.dependencies)) link(name);
  }, 120_000);
  const link = (name: string) => {
    const path = join(consumer, "node_modules", name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(inRoot("node_modules", name), path);
  };
  afterAll(() => rmSync(consumer, { recursive: true, force: true }));

  const subpaths = Object.entries(manifest.exports).filter(([, target]) => typeof target !== "string");

  it("declares every peer of a subpath, as optional", () => {
    expect(Object.keys(manifest.peerDependencies).sort()).toEqual(Object.values(PEERS).flat().sort());
    for (const name of Object.keys(manifest.peerDependencies)) expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
  });

  it.each(subpaths.map(([path]) => path))("exports %s, with types, with only its own peers present", (path) => {
    const peers = PEERS[path] ?? [];
    for (const name of peers) link(name);
    onTestFinished(() => {
      for (const name of peers) rmSync(join(consumer, "node_modules", name));
    });
    const target = manifest.exports[path] as { types: string; default: string };
    const specifier = manifest.name + path.slice(1);
    const names = node(
      ["--input-type=module", "-e", `console.log(Object.keys(await import(${JSON.stringify(specifier)})).length)`],
      consumer,
    );
    expect(Number(names)).toBeGreaterThan(0);
    expect(readFileSync(join(packed, target.types), "utf8")).toContain("export");
  });

  it("compiles against a user's strict program without source files of ours", () => {
    const program = `import { ChioKernel, Keypair } from "${manifest.name}/kernel";\nconst key: string = Keypair.generate().publicKeyHex;\nexport { ChioKernel, key };\n`;
    writeFileSync(join(consumer, "program.mts"), program);
    const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", ""];
    expect(node([inRoot("node_modules/typescript/bin/tsc"), ...flags, "program.mts"], consumer)).toBe("");
  });

  it("works: a kernel of the package can be constructed and signs", () => {
    const script = `
      import { Keypair } from ${JSON.stringify(`${manifest.name}/kernel`)};
      const pair = Keypair.fromSeedHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
      console.log(pair.publicKeyHex);`;
    expect(node(["--input-type=module", "-e", script], consumer).trim()).toBe(
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );
  });
});
