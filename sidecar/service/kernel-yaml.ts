import { formatPath, type PathKey, POLICY_LIMITS, readDocument, type SourceDocument } from "../policy/document.ts";
import { PolicyError } from "../policy/errors.ts";
import { nearest } from "../policy/nearest.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type { ConfigProblem, ServiceErrorCode } from "./errors.ts";
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
const SECRET_KEYS = new Set(["signing_key", "signing_seed", "control_token", "secret", "token"]);

const BY_PATH = new Map<string, [SettingName, AnySetting]>();
for (const [name, setting] of SETTING_LIST) if (setting.yaml !== undefined) BY_PATH.set(setting.yaml, [name, setting]);

/** Checks every key against the settings. Nothing is thrown: what is wrong comes back, all of it, with line and column. */
export function readKernelYaml(text: string, origin: string): KernelYaml {
  const found: KernelYaml = { values: new Map(), problems: [], warnings: [] };
  let document: SourceDocument;
  try {
    document = readDocument(text, origin, POLICY_LIMITS);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    for (const { line, column, message, fix } of error.problems) {
      const source = line > 0 ? `${origin}:${line}:${column}` : origin;
      found.problems.push({ code: "config_file_invalid", source, message, fix: fix ?? "mend the YAML" });
    }
    return found;
  }
  if (document.value === null) return found;
  if (isSection(document.value)) walk(document, document.value, [], found);
  else {
    report(found, "config_file_invalid", sourceOf(document, []), "is not a mapping", "write settings like `listen: 127.0.0.1:9090`");
  }
  return found;
}

function walk(document: SourceDocument, section: JsonObject, prefix: readonly PathKey[], found: KernelYaml): void {
  for (const [key, value] of Object.entries(section)) {
    const keys = [...prefix, key];
    const path = keys.join(".");
    const source = sourceOf(document, keys);
    const known = BY_PATH.get(path);
    const below = [...BY_PATH.keys()].filter((full) => full.startsWith(`${path}.`));
    if (known !== undefined) {
      const texts = textsOf(value, known[1].list);
      const shape = known[1].list ? "one value or a list of values" : "one value";
      if (texts === null) report(found, "config_value_invalid", source, `is not ${shape}`, `give ${path} ${shape}, or take the line out`);
      else found.values.set(known[0], { texts, source });
    } else if (below.length > 0) {
      if (isSection(value)) walk(document, value, keys, found);
      else report(found, "config_value_invalid", source, "is a section, not a value", `set one of ${below.join(", ")}`);
    } else if (Object.hasOwn(NOT_SERVED, path)) {
      found.warnings.push(`${source}: not served by this program, ${NOT_SERVED[path]}`);
    } else if (SECRET_KEYS.has(key)) {
      const fix =
        "take it out and set CHIO_SIGNING_KEY, signing_key_file or CHIO_SIDECAR_CONTROL_TOKEN; replace it if others saw this file";
      report(found, "config_secret_in_file", source, "a secret does not belong into kernel.yaml", fix);
    } else {
      const close = nearest(path, BY_PATH.keys());
      const fix = close === undefined ? "take it out; docs/configuration.md has all keys" : `did you mean ${close}?`;
      report(found, "config_key_unknown", source, "nothing reads this key", fix);
    }
  }
}

function report(found: KernelYaml, code: ServiceErrorCode, source: string, message: string, fix: string): void {
  found.problems.push({ code, source, message, fix });
}

function sourceOf(document: SourceDocument, path: readonly PathKey[]): string {
  const { origin, line, column } = document.problem("document_wrong_value", path, "", { at: "key" });
  const place = line > 0 ? `${origin}:${line}:${column}` : origin;
  return path.length === 0 ? place : `${place} (${formatPath(path)})`;
}

function isSection(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Scalars as texts; null where the value has another shape or is none. */
function textsOf(value: Json, list: boolean): string[] | null {
  const texts = (list && Array.isArray(value) ? value : [value]).map(scalarText);
  return texts.every((text) => text !== null) ? texts : null;
}

function scalarText(value: Json): string | null {
  if (value === null || typeof value === "object") return null;
  const text = String(value).trim();
  return text === "" ? null : text;
}
