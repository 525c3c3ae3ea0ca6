import type { Data } from "./common.ts";

/** A value that Azure computes at deploy, in both of its languages. */
export class Expression {
  readonly bicep: string;
  readonly arm: string;

  constructor(bicep: string, arm: string) {
    this.bicep = bicep;
    this.arm = arm;
  }
}

/** Data with expressions in it. Keys that are expressions go into `ExpressionMap`. */
export type AzureData = Data | Expression | ExpressionMap | readonly AzureData[] | { readonly [key: string]: AzureData };

/** An object with computed keys. */
export class ExpressionMap {
  readonly entries: readonly (readonly [key: Expression, value: AzureData])[];

  constructor(entries: readonly (readonly [key: Expression, value: AzureData])[]) {
    this.entries = entries;
  }
}

export function parameter(name: string): Expression {
  return new Expression(name, `parameters('${name}')`);
}

/** ARM template JSON: expressions in brackets. Text in brackets has the first one doubled; text that only starts with one is text. */
export function toArm(value: AzureData): Data {
  if (value instanceof Expression) return `[${value.arm}]`;
  if (value instanceof ExpressionMap)
    return Object.fromEntries(value.entries.map(([key, item]) => [`[format('{0}', ${key.arm})]`, toArm(item)]));
  if (typeof value === "string") return value.startsWith("[") && value.endsWith("]") ? `[${value}` : value;
  if (Array.isArray(value)) return value.map((item) => toArm(item as AzureData));
  if (value === null || typeof value !== "object") return value as Data;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toArm(item as AzureData)]));
}

/** Bicep text of a value, its first line unindented. */
export function toBicep(value: AzureData, indent = ""): string {
  if (value instanceof Expression) return value.bicep;
  if (typeof value === "string") return bicepString(value);
  // Bicep has whole numbers only.
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : `json('${value}')`;
  if (value === null || typeof value === "boolean") return String(value);
  const inner = `${indent}  `;
  if (value instanceof ExpressionMap)
    return `{\n${value.entries.map(([key, item]) => `${inner}'\${${key.bicep}}': ${toBicep(item, inner)}\n`).join("")}${indent}}`;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => `${inner}${toBicep(item as AzureData, inner)}\n`).join("")}${indent}]`;
  }
  const entries = Object.entries(value as { readonly [key: string]: AzureData });
  if (entries.length === 0) return "{}";
  return `{\n${entries.map(([key, item]) => `${inner}${/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? key : bicepString(key)}: ${toBicep(item, inner)}\n`).join("")}${indent}}`;
}

export function bicepString(text: string): string {
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll("'", "\\'")
    .replaceAll("${", "\\${")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t")
    .replace(/[\u0000-\u001f\u007f]/g, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
  return `'${escaped}'`;
}
