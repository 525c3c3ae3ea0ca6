import { type Command, InvalidArgumentError, Option } from "commander";
import { nearest } from "../topology/nearest.ts";
import { KitError } from "./errors.ts";
import { writeFiles } from "./files.ts";
import { nameFrom, nameProblem } from "./init/name.ts";
import { projectFiles } from "./init/project.ts";
import { INIT_PLATFORMS, type InitPlatform, TEMPLATES } from "./init/templates.ts";
import type { KitIo } from "./io.ts";

interface Flags {
  readonly platform?: InitPlatform;
  readonly name?: string;
  readonly dir?: string;
  readonly force?: true;
}

/** What the platforms are called in the other commands, and elsewhere. */
const ALSO_CALLED: { readonly [P in InitPlatform]: readonly string[] } = {
  aws: ["ecs", "fargate", "cdk", "amazon"],
  gcp: ["cloud-run", "google", "cloudrun"],
  azure: ["aca", "container-apps", "microsoft"],
};

/** `chio-kit init`: a project for one service, ready to be committed and deployed. */
export function register(program: Command, io: KitIo): void {
  program
    .command("init")
    .description("Write a project for one service: program, policy, API, settings, CI. Asks for what is missing when run in a terminal.")
    .addOption(new Option("--platform <name>", `where it runs: ${INIT_PLATFORMS.join(", ")}`).argParser(parsePlatform))
    .option("--name <name>", "name of the service")
    .option("--dir <dir>", "directory of the project; default: the name")
    .option("--force", "overwrite files that hold something else")
    .action(async (flags: Flags, command: Command) => {
      const platform = flags.platform ?? (await askPlatform(io, command));
      if (flags.name !== undefined) {
        const problem = nameProblem(flags.name, platform);
        if (problem !== null)
          command.error(`error: option '--name <name>' argument '${flags.name}' is invalid. ${problem}`, { exitCode: 2 });
      }
      const name = flags.name ?? (await askName(platform, flags.dir, io, command));
      const directory = flags.dir ?? (io.interactive ? await ask(io, `Directory [${name}]: `, (text) => ({ value: text || name })) : name);
      await create(platform, name, directory, flags.force === true, io);
    });
}

async function create(platform: InitPlatform, name: string, directory: string, force: boolean, io: KitIo): Promise<void> {
  const written = await writeFiles(directory, projectFiles(platform, name), force);
  for (const { path, state } of written) io.stdout(`${state} ${path}\n`);
  const steps = [...(directory === "." ? [] : [`cd ${directory}`]), "npm install", "npm run check"];
  io.stdout(`\nNext:\n${steps.map((step) => `  ${step}\n`).join("")}The README has the way from here to a verified deployment.\n`);
}

function parsePlatform(text: string): InitPlatform {
  const found = INIT_PLATFORMS.find((one) => one === text);
  if (found !== undefined) return found;
  const near = nearest(text, INIT_PLATFORMS) ?? INIT_PLATFORMS.find((one) => ALSO_CALLED[one].includes(text.toLowerCase()));
  throw new InvalidArgumentError(`Platforms are ${INIT_PLATFORMS.join(", ")}.${near === undefined ? "" : ` Did you mean ${near}?`}`);
}

async function askPlatform(io: KitIo, command: Command): Promise<InitPlatform> {
  if (!io.interactive) command.error("error: --platform is needed where nobody can be asked", { exitCode: 2 });
  const lines = INIT_PLATFORMS.map((one, index) => `  ${index + 1}  ${one.padEnd(6)} ${TEMPLATES[one].summary}\n`);
  return await ask(io, `Platform\n${lines.join("")}Number or name: `, (text) => {
    const found = INIT_PLATFORMS[Number(text) - 1] ?? INIT_PLATFORMS.find((one) => one === text.toLowerCase());
    return found === undefined ? { problem: `Type a number from 1 to ${INIT_PLATFORMS.length}, or a name.` } : { value: found };
  });
}

async function askName(platform: InitPlatform, dir: string | undefined, io: KitIo, command: Command): Promise<string> {
  if (!io.interactive) command.error("error: --name is needed where nobody can be asked", { exitCode: 2 });
  const fallback = dir === undefined ? null : nameFrom(dir, platform);
  return await ask(io, `Name of the service${fallback === null ? "" : ` [${fallback}]`}: `, (text) => {
    const name = text === "" && fallback !== null ? fallback : text;
    const problem = nameProblem(name, platform);
    return problem === null ? { value: name } : { problem };
  });
}

/** Asks until the answer is one. Throws `KitError` when the person ends it. */
async function ask<T>(io: KitIo, question: string, read: (text: string) => { value: T } | { problem: string }): Promise<T> {
  for (;;) {
    let text: string;
    try {
      text = await io.ask(question);
    } catch (cause) {
      throw new KitError("cancelled", "cancelled; nothing was written", { fix: "run it again, or give the answers as flags", cause });
    }
    const answer = read(text.trim());
    if ("value" in answer) return answer.value;
    io.stderr(`${answer.problem}\n`);
  }
}
