import type { Loose } from "../posture/documents.ts";

/**
 * Stands in for Azure Policy, of which no engine can be had: the operators that the definitions use, as Azure documents them. Unknown operators and
 * aliases throw, so that a definition cannot pass by not being understood.
 */
export function isDenied(definition: Loose, resource: Loose): boolean {
  return holds(definition.properties.policyRule.if, { resource, current: new Map() });
}

interface Scope {
  readonly resource: Loose;
  /** What `field` of an array alias means inside its count: the element. */
  readonly current: ReadonlyMap<string, Loose>;
}

const OPERATORS: Readonly<Record<string, (value: Loose, wanted: Loose) => boolean>> = {
  equals: (value, wanted) => same(value, wanted),
  notEquals: (value, wanted) => !same(value, wanted),
  in: (value, wanted) => wanted.some((one: Loose) => same(value, one)),
  notLike: (value, wanted) =>
    !new RegExp(
      `^${wanted
        .split("*")
        .map((part: string) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
        .join(".*")}$`,
      "i",
    ).test(String(value ?? "")),
  exists: (value, wanted) => (value !== undefined && value !== null) === wanted,
  less: (value, wanted) => typeof value === "number" && value < wanted,
  greater: (value, wanted) => typeof value === "number" && value > wanted,
};

function holds(condition: Loose, scope: Scope): boolean {
  if (condition.allOf !== undefined) return condition.allOf.every((one: Loose) => holds(one, scope));
  if (condition.anyOf !== undefined) return condition.anyOf.some((one: Loose) => holds(one, scope));
  if (condition.not !== undefined) return !holds(condition.not, scope);
  const { field, count, ...rest } = condition;
  const [[operator, wanted] = ["", null], more] = Object.entries(rest);
  const compare = OPERATORS[operator];
  if (compare === undefined || more !== undefined) throw new Error(`unknown operator in ${JSON.stringify(condition)}`);
  return compare(count === undefined ? fieldValue(field, scope) : counted(count, scope), wanted);
}

function counted({ field, where, ...rest }: Loose, scope: Scope): number {
  if (Object.keys(rest).length > 0 || !field.endsWith("[*]")) throw new Error(`a count of ${field}`);
  const found = elements(field, scope);
  return found.filter((one) => where === undefined || holds(where, { ...scope, current: new Map([...scope.current, ...one]) })).length;
}

/** Elements of an array alias; of a nested one over all outer elements, or within the outer count's current one. */
function elements(alias: string, scope: Scope): Map<string, Loose>[] {
  const cut = alias.slice(0, -"[*]".length);
  const outer = cut.lastIndexOf("[*]");
  const prefix = outer < 0 ? null : cut.slice(0, outer + "[*]".length);
  const parents: Map<string, Loose>[] =
    prefix === null ? [new Map()] : scope.current.has(prefix) ? [new Map([[prefix, scope.current.get(prefix)]])] : elements(prefix, scope);
  return parents.flatMap((parent) => {
    const list = fieldValue(cut, { ...scope, current: new Map([...scope.current, ...parent]) });
    return (Array.isArray(list) ? list : []).map((one: Loose) => new Map([...parent, [alias, one]]));
  });
}

function fieldValue(field: string, { resource, current }: Scope): Loose {
  if (field === "type") return resource.type;
  const cut = field.lastIndexOf("[*]");
  if (cut >= 0) {
    const alias = field.slice(0, cut + "[*]".length);
    if (!current.has(alias)) throw new Error(`${field} outside a count of ${alias}`);
    return walk(current.get(alias), field.slice(alias.length).replace(/^\./, ""));
  }
  const prefix = "Microsoft.App/containerApps/";
  if (!field.startsWith(prefix)) throw new Error(`unknown alias ${field}`);
  // An alias leaves `properties` out.
  return walk(resource.properties, field.slice(prefix.length));
}

function walk(value: Loose, path: string): Loose {
  return path === "" ? value : path.split(".").reduce((inside, key) => inside?.[key], value);
}

/** Strings are compared without case; a missing value equals nothing. */
function same(value: Loose, wanted: Loose): boolean {
  return typeof value === "string" && typeof wanted === "string" ? value.toLowerCase() === wanted.toLowerCase() : value === wanted;
}
