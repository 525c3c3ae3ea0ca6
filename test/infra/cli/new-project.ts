import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import type { InitPlatform } from "../../../infra/cli/init/templates.ts";
import { exec } from "../../../scripts/lib/exec.mjs";
import type { Consumer } from "../package/consumer.ts";

interface Workflow {
  readonly env?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string; readonly uses?: string }[] }>>;
}

export interface ProjectManifest {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export const NAME = "order-desk";

/** A project that the installed package wrote, with the packages that its package.json asks for, and no others. */
export class NewProject {
  readonly directory: string;
  readonly #consumer: Consumer;

  private constructor(consumer: Consumer, directory: string) {
    this.#consumer = consumer;
    this.directory = directory;
  }

  static async make(consumer: Consumer, platform: InitPlatform): Promise<NewProject> {
    const project = new NewProject(consumer, join(consumer.directory, platform));
    const bin = join(consumer.installed, String(consumer.manifest.bin["chio-kit"]));
    const made = await consumer.node(bin, "init", "--platform", platform, "--name", NAME, "--dir", project.directory);
    if (made.code !== 0) throw new Error(`chio-kit init ended with ${made.code}\n${made.output}`);
    project.#install();
    return project;
  }

  /** As `npm install` would, from what this clone has. */
  #install(): void {
    const { dependencies, devDependencies } = this.manifest;
    const modules = join(this.directory, "node_modules");
    for (const name of [...Object.keys(dependencies), ...Object.keys(devDependencies)]) {
      const source = name === "chio-kit" ? this.#consumer.installed : join(process.cwd(), "node_modules", name);
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(source, join(modules, name));
      const { bin = {} } = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as { bin?: Record<string, string> };
      mkdirSync(join(modules, ".bin"), { recursive: true });
      for (const [command, path] of Object.entries(bin)) symlinkSync(join(source, path), join(modules, ".bin", command));
    }
  }

  get manifest(): ProjectManifest {
    return JSON.parse(this.read("package.json")) as ProjectManifest;
  }

  get workflow(): Workflow {
    return parse(this.read(".github/workflows/deploy.yml")) as Workflow;
  }

  /** What the workflow types into a shell, in all of its jobs or in one. */
  commands(job?: string): string[] {
    const jobs = Object.entries(this.workflow.jobs).filter(([name]) => job === undefined || name === job);
    return jobs.flatMap(([, { steps }]) => steps.flatMap(({ run }) => (run === undefined ? [] : [run])));
  }

  read(path: string): string {
    return readFileSync(join(this.directory, path), "utf8");
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** As the runner's shell: stops at the first failure. Never throws. */
  async shell(command: string, env: Readonly<Record<string, string>> = {}): Promise<{ code: number; output: string }> {
    const path = `${dirname(process.execPath)}:${process.env.PATH}`;
    return await exec("bash", ["-e", "-o", "pipefail", "-c", command], {
      cwd: this.directory,
      env: { ...process.env, PATH: path, ...env },
      timeoutMs: 120_000,
    });
  }
}
