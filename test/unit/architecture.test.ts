import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize, sep } from "node:path";
import { describe, expect, it } from "vitest";

/** Ground floor first. A layer may import itself and what stands before it; those of one row do not see each other. */
const LAYERS = [
  ["wire"],
  ["policy"],
  ["guards"],
  ["kernel"],
  ["ledger"],
  ["sources"],
  ["service"],
  ["http"],
  ["protect"],
  ["mcp", "remote"],
  ["cli"],
];
const MAX_LINES = 400;

function sources(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(ts|mts|mjs|sh)$/.test(path) && !path.endsWith(".d.ts"))
    .filter((path) => !/(^|\/)(node_modules|cdk\.out|dist|fixtures)\//.test(path))
    .map((path) => join(root, path))
    .sort();
}

/** Text of a file without its comments. */
function code(path: string): string {
  return readFileSync(path, "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "");
}

/** Module specifiers of a file: static, dynamic and re-exports; those that are erased only where asked for. */
function imports(path: string, { types = true } = {}): string[] {
  const all = code(path);
  const text = types ? all : all.replace(/\b(?:import|export)\s+type\b[^'"`;]*?\bfrom\s*["'][^"']+["']/g, "");
  const patterns = [
    /\b(?:import|export)\b[^'"`;]*?\bfrom\s*["']([^"']+)["']/g,
    /\bimport\s*["']([^"']+)["']/g,
    /\bimport\(\s*["']([^"']+)["']\s*\)/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, specifier]) => specifier!));
}

const sidecar = sources("sidecar");
const graphOf = (types: boolean) =>
  new Map(
    sidecar.map((path) => [
      path,
      imports(path, { types }).flatMap((one) => (one.startsWith(".") ? [normalize(join(dirname(path), one))] : [])),
    ]),
  );
const graph = graphOf(true);

describe("layers", () => {
  it("of the sidecar are all known", () => {
    const known = new Set(LAYERS.flat());
    expect([...new Set(sidecar.map((path) => path.split(sep)[1]!))].filter((name) => !known.has(name))).toEqual([]);
  });

  it("import downwards only", () => {
    const rank = (path: string) => LAYERS.findIndex((row) => row.includes(path.split(sep)[1] ?? ""));
    const wrong = [...graph].flatMap(([from, targets]) =>
      targets
        .filter((to) => {
          const inSidecar = to.startsWith(`sidecar${sep}`);
          const sameLayer = from.split(sep)[1] === to.split(sep)[1];
          return !inSidecar || (!sameLayer && rank(to) >= rank(from));
        })
        .map((to) => `${from} imports ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  it("of the kit import nothing of the sidecar but constants, formats and, to read it, the ledger", () => {
    const layers = (path: string): string[] => {
      const own = path.split(sep)[1]!;
      if (own === "cli") return ["service", "wire", "ledger", "cli"];
      return own === "local" ? ["service", "wire", "ledger"] : ["service"];
    };
    const wrong = sources("infra").flatMap((path) =>
      imports(path)
        .filter((one) => one.startsWith("."))
        .map((one) => normalize(join(dirname(path), one)))
        .filter((to) => to.startsWith(`sidecar${sep}`) && !layers(path).includes(to.split(sep)[1]!))
        .map((to) => `${path} imports ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  it("import only files that are there, by their full name", () => {
    const there = new Set(sidecar);
    expect([...graph].flatMap(([from, targets]) => targets.filter((to) => !there.has(to)).map((to) => `${from} imports ${to}`))).toEqual(
      [],
    );
  });

  it("have no import cycle at run time", () => {
    const running = graphOf(false);
    const done = new Set<string>();
    const trail: string[] = [];
    const cycles: string[] = [];
    const visit = (path: string): void => {
      const at = trail.indexOf(path);
      if (at >= 0) cycles.push([...trail.slice(at), path].join(" -> "));
      if (at >= 0 || done.has(path)) return;
      trail.push(path);
      for (const to of running.get(path) ?? []) visit(to);
      trail.pop();
      done.add(path);
    };
    for (const path of running.keys()) visit(path);
    expect(cycles).toEqual([]);
  });
});

describe("files", () => {
  it("of the sidecar use node: modules and declared dependencies, nothing of Bun", () => {
    const declared = Object.keys((JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: object }).dependencies);
    const bare = sidecar.flatMap((path) =>
      imports(path)
        .filter((one) => !one.startsWith(".") && !one.startsWith("node:"))
        .filter((one) => builtinModules.includes(one) || !declared.some((name) => one === name || one.startsWith(`${name}/`)))
        .map((one) => `${path} imports ${one}`),
    );
    expect(bare).toEqual([]);
    const bun = sidecar.filter((path) => /\bBun\.|["']bun(:[a-z]+)?["']/.test(code(path)));
    expect(bun).toEqual([]);
  });

  it(`have at most ${MAX_LINES} lines`, () => {
    const long = ["sidecar", "infra", "scripts", "test"].flatMap(sources).flatMap((path) => {
      const lines = readFileSync(path, "utf8").split("\n").length - 1;
      return lines > MAX_LINES ? [`${path}: ${lines}`] : [];
    });
    expect(long).toEqual([]);
  });

  it("never end the process, but for the program's own", () => {
    const own = new Set([join("sidecar", "cli", "io.ts"), join("sidecar", "cli", "protect-run.ts")]);
    expect(sidecar.filter((path) => !own.has(path) && /\bprocess\.(exit|abort|kill)\(/.test(code(path)))).toEqual([]);
  });
});
