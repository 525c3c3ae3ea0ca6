import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { exec, execOk } from "../../../scripts/lib/exec.mjs";
import { npm } from "../../../scripts/lib/npm.mjs";
import { inRoot, ROOT } from "../../../scripts/lib/paths.mjs";

export interface PackageManifest {
  name: string;
  version: string;
  bin: Record<string, string>;
  exports: Record<string, string | { types: string; default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
}

/** Derived, or for this repository alone. */
const LEFT_OUT = new Set(["node_modules", "dist", ".git", ".cache", "coverage", "test", "cdk.out"]);

/** Everything of this clone that is not derived from it, with the packages that are installed. */
export function copyClone(to: string): void {
  cpSync(ROOT, to, {
    recursive: true,
    filter: (path) =>
      !relative(ROOT, path)
        .split(sep)
        .some((name) => LEFT_OUT.has(name)),
  });
  symlinkSync(inRoot("node_modules"), join(to, "node_modules"));
}

/** An empty project of a user, with the packed package unpacked into it as npm would, beside its dependencies. */
export class Consumer {
  readonly directory = mkdtempSync(join(tmpdir(), "chio-consumer-"));
  readonly installed = join(this.directory, "node_modules", "chio-kit");
  readonly tarball = join(this.directory, "chio-kit.tgz");

  /** Packs with npm, `prepack` and all, from a copy: the clone's own dist stays as it is. */
  async install(): Promise<void> {
    const clone = join(this.directory, "clone");
    copyClone(clone);
    const packed = await npm(["pack", "--pack-destination", this.directory], { cwd: clone });
    const name = readdirSync(this.directory).find((one) => one.endsWith(".tgz"));
    if (packed.code !== 0 || name === undefined) throw new Error(`npm pack ended with ${packed.code}\n${packed.output}`);
    rmSync(clone, { recursive: true });
    mkdirSync(this.installed, { recursive: true });
    await execOk("tar", ["-xzf", join(this.directory, name), "-C", this.installed, "--strip-components=1"]);
    cpSync(join(this.directory, name), this.tarball);
    for (const dependency of Object.keys(this.manifest.dependencies)) this.link(dependency);
  }

  get manifest(): PackageManifest {
    return JSON.parse(readFileSync(join(this.installed, "package.json"), "utf8"));
  }

  /** Makes the clone's copy of a package the project's own. */
  link(...names: readonly string[]): void {
    for (const name of names) {
      const path = join(this.directory, "node_modules", name);
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(inRoot("node_modules", name), path);
    }
  }

  unlink(...names: readonly string[]): void {
    for (const name of names) rmSync(join(this.directory, "node_modules", name));
  }

  /** Runs Node in the project. Never throws. */
  async node(...args: readonly string[]): Promise<{ code: number; output: string }> {
    return await exec(process.execPath, args, { cwd: this.directory, timeoutMs: 120_000 });
  }

  /** Runs a module's text in the project. */
  async run(text: string, type: "module" | "commonjs" = "module"): Promise<{ code: number; output: string }> {
    const name = type === "module" ? "program.mjs" : "program.cjs";
    writeFileSync(join(this.directory, name), text);
    return await this.node(name);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
