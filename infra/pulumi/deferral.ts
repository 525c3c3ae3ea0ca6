import * as pulumi from "@pulumi/pulumi";
import { deferred, deferredParts, type InputIssue, isDeferred, mapDeferred, TopologyInputError } from "../topology/index.ts";

/** The same shape with every `pulumi.Input` resolved to a value, or to the marker of one that is not known yet. */
export type Collected<T> =
  T extends pulumi.OutputInstance<infer U>
    ? Collected<U>
    : T extends Promise<infer U>
      ? Collected<U>
      : T extends string | number | boolean | null | undefined
        ? T
        : T extends readonly (infer U)[]
          ? readonly Collected<U>[]
          : { readonly [K in keyof T]: Collected<T[K]> };

type Scalar = string | number | boolean;

/**
 * The values of a program that the model cannot see yet. They stand in the model as markers, come back as the same outputs, and are
 * checked a second time by the model when they are known.
 */
export class Deferral {
  readonly #given = new Map<string, pulumi.Output<Scalar>>();
  readonly #derived = new Map<string, pulumi.Output<string>>();

  /** Replaces outputs and promises by markers. `path` names them, so that messages say which one is meant. */
  collect<T>(args: T): Collected<T> {
    const issues: InputIssue[] = [];
    const collected = this.#walk(args, "", issues);
    if (issues.length > 0) throw new TopologyInputError(issues);
    return collected as Collected<T>;
  }

  /** True when something has still to be checked with its real value. */
  get pending(): boolean {
    return this.#given.size > 0;
  }

  /** A marker for something made of a marked value, once that is known. */
  derive(marker: string, suffix: string, make: (value: string) => pulumi.Input<string>): string {
    const [part] = deferredParts(marker);
    const name = typeof part === "object" ? `${part.deferred}.${suffix}` : suffix;
    this.#derived.set(name, this.restoreText(marker).apply((value): pulumi.Input<string> => make(value)) as pulumi.Output<string>);
    return deferred(name);
  }

  /** The value of a marker that the model itself put into the document, such as `WORKLOAD_CLIENT_ID`. */
  provide(name: string, value: pulumi.Output<string>): void {
    this.#derived.set(name, value);
  }

  /** The document with its outputs in their places again, each as secret as it was. */
  restore<T>(document: T): pulumi.Unwrap<T> {
    return mapDeferred(document, (parts) => this.#join(parts)) as pulumi.Unwrap<T>;
  }

  /** `encode` is applied to the values of markers alone: the literal parts are the caller's own. */
  restoreText(text: string, encode: (value: string) => string = (value) => value): pulumi.Output<string> {
    return pulumi.output(isDeferred(text) ? this.#join(deferredParts(text), encode) : text);
  }

  /**
   * Runs `check` with the real values in their places, once all are known, and gives its result. A preview with unknown values passes it by;
   * the update does not. What `check` throws or gives never shows a secret.
   */
  checkLater<T, R>(collected: T, check: (resolved: T) => R): pulumi.Output<R> {
    const entries = [...this.#given].map(([name, value]) => ({ name, value, secret: pulumi.output(pulumi.isSecret(value)) }));
    return pulumi.all(entries.map(({ name, value, secret }) => pulumi.all([name, pulumi.unsecret(value), secret]))).apply((known) => {
      const values = new Map(known.map(([name, value]) => [name, value]));
      const resolved = mapDeferred(collected, (parts) =>
        parts.length === 1 && typeof parts[0] === "object"
          ? values.get(parts[0].deferred)
          : parts.map((part) => (typeof part === "string" ? part : String(values.get(part.deferred)))).join(""),
      );
      const secrets = known.filter(([, value, secret]) => secret && value !== "").map(([, value]) => String(value));
      const hide = (text: string) => secrets.reduce((all, one) => all.replaceAll(one, "[secret]"), text);
      try {
        return (secrets.length === 0 ? check(resolved as T) : mapStrings(check(resolved as T), hide)) as R;
      } catch (error) {
        if (secrets.length === 0) throw error;
        // A new error: the first one carries the values in its fields too.
        throw new Error(hide(error instanceof Error ? error.message : String(error)));
      }
    }) as pulumi.Output<R>;
  }

  #walk(value: unknown, path: string, issues: InputIssue[]): unknown {
    if (pulumi.Output.isInstance(value) || value instanceof Promise) {
      const name = this.#free(path.replace(/[^A-Za-z0-9_.-]+/g, "_"));
      this.#given.set(name, pulumi.output(value as pulumi.Input<Scalar>));
      return deferred(name);
    }
    if (Array.isArray(value)) return value.map((item, index) => this.#walk(item, `${path}.${index}`, issues));
    if (value === null || typeof value !== "object") return value;
    if (pulumi.Resource.isInstance(value)) {
      issues.push({ path, message: "is a resource; give the output of it that is meant, its id or name for example" });
      return null;
    }
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, this.#walk(item, path === "" ? key : `${path}.${key}`, issues)]),
    );
  }

  #free(name: string): string {
    let free = name;
    for (let count = 2; this.#given.has(free); count++) free = `${name}_${count}`;
    return free;
  }

  #join(parts: ReturnType<typeof deferredParts>, encode: (value: string) => string = (value) => value): pulumi.Output<string> {
    const resolved = parts.map((part) =>
      typeof part === "string" ? part : this.#value(part.deferred).apply((one) => encode(String(one))),
    );
    const [only] = resolved;
    return resolved.length === 1 && only !== undefined ? pulumi.output(only) : pulumi.concat(...resolved);
  }

  #value(name: string): pulumi.Output<Scalar> {
    const value = this.#derived.get(name) ?? this.#given.get(name);
    if (value === undefined) throw new TypeError(`no value was given for \${deferred:${name}}; pass the output itself`);
    return value;
  }
}

/** True for what is not a plain value yet. */
export function isLater(value: unknown): boolean {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]));
}
