import { readFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "../../../sidecar/service/version.ts";
import { packageRoot } from "../../package-root.ts";
import { KitError } from "../errors.ts";
import type { OutputFile } from "../files.ts";
import { type InitPlatform, SHARED_FILES, TEMPLATES, type Template } from "./templates.ts";

interface KitManifest {
  readonly engines: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** The files of a new project, as they are to be written. `name` is one that `nameProblem` has nothing to say about. */
export function projectFiles(platform: InitPlatform, name: string): OutputFile[] {
  const template: Template = TEMPLATES[platform];
  const root = kitRoot();
  const read = (path: string) => readFileSync(join(root, "infra/examples", path), "utf8");
  const rename = renamer(template.words({ label: name, pascal: pascal(name) }));
  const own = template.files.map((path) => ({
    path: path === "gitignore" ? ".gitignore" : path,
    text: rename(read(`${template.directory}/${path}`)),
  }));
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as KitManifest;
  return [...SHARED_FILES.map((path) => ({ path, text: read(path) })), ...own].map(({ path, text }) => ({
    path,
    text: path === "package.json" ? packageJson(text, template, manifest) : outside(text),
  }));
}

function kitRoot(): string {
  const root = packageRoot("infra/examples/tsconfig.json");
  if (root !== null) return root;
  throw new KitError("templates_missing", "this installation of chio-kit has no templates", { fix: "install the package again" });
}

/** Replaces every word at once: what was put in is not looked at again. Longer words first, so that none hides behind its own beginning. */
function renamer(words: Readonly<Record<string, string>>): (text: string) => string {
  const escaped = Object.keys(words)
    .sort((a, b) => b.length - a.length)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(escaped.join("|"), "g");
  return (text) => text.replace(pattern, (word) => words[word] ?? word);
}

/** The examples import the sources beside them; a project imports the package. */
function outside(text: string): string {
  return text.replace(/^\/\/ Outside this repository:.*\n/gm, "").replace(/from "\.\.\/\.\.\/([a-z]+)\/index\.ts"/g, 'from "chio-kit/$1"');
}

/** The example's, with the packages that this repository has at its root. Versions are the ones that the kit's own tests ran with. */
function packageJson(text: string, template: Template, kit: KitManifest): string {
  const version = (name: string): [string, string] => [name, kit.peerDependencies[name] ?? kit.devDependencies[name] ?? "*"];
  const dependencies = [...template.dependencies.map(version), ["chio-kit", `^${VERSION}`]].sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  const project = {
    ...(JSON.parse(text) as Record<string, unknown>),
    engines: kit.engines,
    dependencies: Object.fromEntries(dependencies),
    devDependencies: Object.fromEntries(template.devDependencies.map(version)),
    // Pulumi declares an older compiler than the one that checks the project; it is not the one that runs it.
    ...(template.dependencies.includes("@pulumi/pulumi") ? { overrides: { "@pulumi/pulumi": { typescript: "$typescript" } } } : {}),
  };
  return `${JSON.stringify(project, null, 2)}\n`;
}

function pascal(label: string): string {
  return label
    .split("-")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}
