import { At, type Resolve, Unresolved } from "../at.ts";
import { type Expression, parseExpression } from "./expression.ts";

const APP = "microsoft.app/containerapps";
const DEPLOYMENT = "microsoft.resources/deployments";
const MAX_DEPTH = 32;

/** Container apps of a template, those of its nested deployments among them. */
export function containerApps(template: At, given: ReadonlyMap<string, unknown> = new Map(), depth = 0): At[] {
  if (depth > MAX_DEPTH) return [];
  const resolve = resolver(template.value, given);
  const list = new At(template.get("resources").value, [...template.path, "resources"], resolve);
  // A list, or an object by symbolic name.
  const resources = Array.isArray(list.value) ? list.items() : list.entries().map(([, at]) => at);
  return resources.flatMap((resource) => {
    const type = resource.get("type").text()?.toLowerCase();
    if (type === APP) return [resource];
    if (type !== DEPLOYMENT) return [];
    const parameters = resource
      .get("properties", "parameters")
      .entries()
      .map(([name, at]) => [name.toLowerCase(), at.get("value").value] as const);
    const inner = resource.get("properties", "template");
    return containerApps(new At(raw(template.value, inner.path.slice(template.path.length)), inner.path), new Map(parameters), depth + 1);
  });
}

/** What stands at a path, expressions and all: a nested template has parameters of its own. */
function raw(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inside, key) => (inside !== null && typeof inside === "object" ? (inside as Record<string | number, unknown>)[key] : undefined),
    value,
  );
}

type Data = Readonly<Record<string, unknown>>;
const object = (value: unknown): Data => (value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Data) : {});

/** Expressions of literals, of parameters with defaults, and of variables made of those. All else is known only to Azure. */
function resolver(template: unknown, given: ReadonlyMap<string, unknown>): Resolve {
  const parameters = lowered(object(object(template).parameters));
  const variables = lowered(object(object(template).variables));
  let depth = 0;

  const resolve: Resolve = (value) => {
    if (isLooped(value)) return looped(value);
    if (typeof value !== "string" || !value.startsWith("[") || !value.endsWith("]")) return value;
    if (value.startsWith("[[")) return value.slice(1);
    const expression = parseExpression(value.slice(1, -1));
    if (expression === null) return new Unresolved(value.slice(1, -1));
    if (++depth > MAX_DEPTH) return new Unresolved("too deep");
    try {
      return evaluate(expression);
    } finally {
      depth--;
    }
  };

  const evaluate = (one: Expression): unknown => {
    if (one.kind === "literal") return one.value;
    if (one.kind === "member") {
      const of = evaluate(one.of);
      const key = typeof one.key === "string" ? one.key : evaluate(one.key);
      if (of instanceof Unresolved || key instanceof Unresolved) return new Unresolved(describe(one));
      const inside = object(of);
      return Array.isArray(of)
        ? resolve(of[Number(key)])
        : Object.hasOwn(inside, String(key))
          ? resolve(inside[String(key)])
          : new Unresolved(describe(one));
    }
    return call(one);
  };

  const call = (one: Extract<Expression, { kind: "call" }>): unknown => {
    const name = one.name.toLowerCase();
    const args = one.args.map(evaluate);
    if (name === "parameters") return parameter(String(args[0]));
    if (name === "variables")
      return variables.has(String(args[0]).toLowerCase())
        ? resolve(variables.get(String(args[0]).toLowerCase()))
        : new Unresolved(describe(one));
    const value = FUNCTIONS[name]?.(args);
    return value === undefined ? new Unresolved(describe(one)) : value;
  };

  const parameter = (name: string): unknown => {
    const key = name.toLowerCase();
    if (given.has(key)) return given.get(key);
    const declared = object(parameters.get(key));
    return Object.hasOwn(declared, "defaultValue") ? resolve(declared.defaultValue) : new Unresolved(`parameters.${name}`);
  };
  return resolve;
}

/** Bicep's `[for …]` in a property: `copy` names it in its place. */
function isLooped(value: unknown): value is Data & { readonly copy: readonly unknown[] } {
  const { copy } = object(value);
  return Array.isArray(copy) && copy.every((one) => typeof object(one).name === "string" && Object.hasOwn(object(one), "input"));
}

/** How often it goes round, and with what, is not followed. */
function looped(value: Data & { readonly copy: readonly unknown[] }): unknown {
  const { copy, ...rest } = value;
  return { ...rest, ...Object.fromEntries(copy.map((one) => [String(object(one).name), new Unresolved(`copy.${object(one).name}`)])) };
}

/** Undefined: not with these arguments. Text keeps the markers of what is not known in it. */
const FUNCTIONS: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  concat: (args) => (args.every(Array.isArray) ? args.flat() : joined(args)),
  format: ([pattern, ...args]) => {
    const texts = args.map(textOf);
    if (typeof pattern !== "string" || texts.includes(undefined)) return undefined;
    return pattern.replace(/\{(\d+)\}/g, (_all, index) => texts[Number(index)] ?? "");
  },
  string: ([value]) => textOf(value),
  json: ([text]) => {
    try {
      return typeof text === "string" ? JSON.parse(text) : undefined;
    } catch {
      return undefined;
    }
  },
  int: ([value]) => (typeof value === "number" ? value : typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : undefined),
  bool: ([value]) =>
    typeof value === "boolean" ? value : /^(true|false)$/i.test(String(value)) ? /^true$/i.test(String(value)) : undefined,
  true: () => true,
  false: () => false,
  null: () => null,
  tolower: ([text]) => (typeof text === "string" ? text.toLowerCase() : undefined),
  toupper: ([text]) => (typeof text === "string" ? text.toUpperCase() : undefined),
  createarray: (args) => [...args],
  createobject: (args) =>
    args.length % 2 === 0 && args.every((one, index) => index % 2 === 1 || typeof one === "string")
      ? Object.fromEntries(args.flatMap((one, index) => (index % 2 === 0 ? [[one, args[index + 1]] as const] : [])))
      : undefined,
  union: (args) => (args.every(Array.isArray) ? args.flat() : args.every(isObject) ? Object.assign({}, ...args) : undefined),
  if: ([condition, yes, no]) => (typeof condition === "boolean" ? (condition ? yes : no) : undefined),
  equals: ([a, b]) => (a instanceof Unresolved || b instanceof Unresolved ? undefined : a === b),
  empty: ([value]) =>
    value instanceof Unresolved
      ? undefined
      : value === null ||
        value === "" ||
        (Array.isArray(value) && value.length === 0) ||
        (typeof value === "object" && Object.keys(value ?? {}).length === 0),
  not: ([value]) => (typeof value === "boolean" ? !value : undefined),
};

function isObject(value: unknown): boolean {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Unresolved);
}

function joined(args: readonly unknown[]): string | undefined {
  const texts = args.map(textOf);
  return texts.includes(undefined) ? undefined : texts.join("");
}

function textOf(value: unknown): string | undefined {
  if (value instanceof Unresolved) return value.marker;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

function describe(one: Expression): string {
  if (one.kind === "literal") return String(one.value);
  if (one.kind === "member") return `${describe(one.of)}.${typeof one.key === "string" ? one.key : describe(one.key)}`;
  return `${one.name}.${one.args.map(describe).join(".")}`;
}

function lowered(entries: Data): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(entries).map(([key, value]) => [key.toLowerCase(), value]));
}
