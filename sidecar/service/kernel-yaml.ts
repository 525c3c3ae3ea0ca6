import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import type { ConfigProblem } from "./errors.ts";
import { nearest } from "./nearest.ts";
import type { AnySetting } from "./setting.ts";
import { SETTING_LIST, type SettingName } from "./settings.ts";

/** A value of kernel.yaml as text, like a flag's or a variable's. */
export interface YamlValue {
  texts: string[];
  /** `/etc/chio/kernel.yaml:3:9 (listen)`. */
  source: string;
}

export interface KernelYaml {
  values: Map<SettingName, YamlValue>;
  problems: ConfigProblem[];
  warnings: string[];
}

/** Keys of upstream's sample that this program knows and does not serve. */
const NOT_SERVED: Record<string, string> = {
  ext_authz_listen: "no Envoy ext_authz listener is opened; point Envoy at the proxy itself",
};
/** What people write where a secret would go. */
const SECRET_KEYS = new Set(["signing_key", "signing_seed", "control_token", "kernel.signing_key", "secret", "token"]);
const MAX_BYTES = 1024 * 1024;

const BY_PATH = new Map<string, [SettingName, AnySetting]>();
for (const [name, setting] of SETTING_LIST) if (setting.yaml !== undefined) BY_PATH.set(setting.yaml, [name, setting]);

/** Checks every key against the settings. Nothing is thrown: what is wrong comes back, all of it, with line and column. */
export function readKernelYaml(text: string, origin: string): KernelYaml {
  const found: KernelYaml = { values: new Map(), problems: [], warnings: [] };
  if (text.length > MAX_BYTES) {
    found.problems.push({
      code: "config_file_invalid",
      source: origin,
      message: `is ${text.length} characters long, past ${MAX_BYTES}`,
      fix: "name a kernel.yaml",
    });
    return found;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${origin}:${line}:${col}`;
  };
  // A tag that nobody knows is only a warning to the parser; here it would be a value read in a way its writer did not mean.
  for (const error of [...document.errors, ...document.warnings]) {
    found.problems.push({
      code: "config_file_invalid",
      source: at(error.pos[0]),
      message: error.message.split("\n")[0] ?? "not valid YAML",
      fix: "mend the YAML",
    });
  }
  if (found.problems.length > 0) return found;
  if (document.contents === null) return found;
  if (!isMap(document.contents)) {
    found.problems.push({
      code: "config_file_invalid",
      source: at((document.contents as Node).range?.[0]),
      message: "is not a mapping of settings",
      fix: "write settings like `listen: 127.0.0.1:9090`",
    });
    return found;
  }
  walk(document.contents, "", at, found);
  return found;
}

function walk(map: YAMLMap, prefix: string, at: (offset: number | undefined) => string, found: KernelYaml): void {
  for (const pair of map.items) {
    if (!isPair(pair) || !isScalar(pair.key)) {
      found.problems.push({
        code: "config_file_invalid",
        source: at(map.range?.[0]),
        message: "has a key that is not a plain word",
        fix: "write keys as in docs/configuration.md",
      });
      continue;
    }
    const path = `${prefix}${String(pair.key.value)}`;
    const source = `${at(pair.key.range?.[0])} (${path})`;
    const known = BY_PATH.get(path);
    const value = pair.value as Node | null;
    if (known !== undefined) {
      const texts = textsOf(value, known[1].list);
      if (texts === null) {
        const shape = known[1].list ? "one value or a list of values" : "one value";
        found.problems.push({ code: "config_value_invalid", source, message: `is not ${shape}`, fix: `give ${path} ${shape}` });
      } else {
        found.values.set(known[0], { texts, source });
      }
    } else if ([...BY_PATH.keys()].some((full) => full.startsWith(`${path}.`))) {
      if (isMap(value)) walk(value, `${path}.`, at, found);
      else {
        const keys = [...BY_PATH.keys()].filter((full) => full.startsWith(`${path}.`)).join(", ");
        found.problems.push({ code: "config_value_invalid", source, message: "is a section, not a value", fix: `set one of ${keys}` });
      }
    } else if (Object.hasOwn(NOT_SERVED, path)) {
      found.warnings.push(`${source}: not served by this program, ${NOT_SERVED[path]}`);
    } else if (SECRET_KEYS.has(path)) {
      found.problems.push({
        code: "config_secret_in_file",
        source,
        message: "a secret does not belong into kernel.yaml",
        fix: "take it out and set CHIO_SIGNING_KEY, signing_key_file or CHIO_SIDECAR_CONTROL_TOKEN; replace the secret if the file was shared",
      });
    } else {
      found.problems.push({
        code: "config_key_unknown",
        source,
        message: "nothing reads this key",
        fix: `did you mean ${nearest(path, BY_PATH.keys())}? The keys are in docs/configuration.md`,
      });
    }
  }
}

/** Scalars as texts; null where the node has another shape or no value. */
function textsOf(node: Node | null, list: boolean): string[] | null {
  if (list && isSeq(node)) {
    const texts = node.items.map((item) => scalarText(item as Node));
    return texts.every((text) => text !== null) ? texts : null;
  }
  const text = scalarText(node);
  return text === null ? null : [text];
}

function scalarText(node: Node | null): string | null {
  if (!isScalar(node)) return null;
  const { value } = node;
  // A number as it was written: 0123 or 1_000 must not turn into another one.
  if (typeof value === "number" || typeof value === "bigint") return node.source ?? String(value);
  if (typeof value === "boolean") return String(value);
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}
