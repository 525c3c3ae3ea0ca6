import { deferred, isDeferred } from "../topology/deferred.ts";
import type { Path } from "./source.ts";

/** A value that only the deployment knows: an import, a parameter without default, an attribute of another resource. */
export class Unresolved {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** What stands for it in the model: rules check nothing about it. */
  get marker(): string {
    return deferred(this.name.replace(/[^A-Za-z0-9_.-]+/g, "_").replace(/^_+|_+$/g, "") || "value");
  }
}

/** Turns what stands in the document into what it means: an intrinsic into its value. Gives back what is no expression. */
export type Resolve = (raw: unknown) => unknown;

/** A place in a document, and what is there. A place may be empty: it still has its path. */
export class At {
  readonly path: Path;
  readonly value: unknown;
  readonly #resolve: Resolve;

  constructor(raw: unknown, path: Path, resolve: Resolve = (value) => value) {
    this.path = path;
    this.#resolve = resolve;
    this.value = resolve(raw);
  }

  /** Something is said here. */
  get given(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  get unresolved(): boolean {
    return this.value instanceof Unresolved || (typeof this.value === "string" && isDeferred(this.value));
  }

  get(...keys: (string | number)[]): At {
    return keys.reduce<At>((at, key) => at.#child(key), this);
  }

  #child(key: string | number): At {
    const { value } = this;
    return new At(value instanceof Unresolved ? value : inside(value, key), [...this.path, key], this.#resolve);
  }

  /** The first of several spellings that is given; else the first. */
  either(...keys: readonly [string, ...string[]]): At {
    return keys.map((key) => this.get(key)).find((at) => at.given) ?? this.get(keys[0]);
  }

  /** What a list holds. Empty for what is no list. */
  items(): At[] {
    return Array.isArray(this.value)
      ? Array.from({ length: this.value.length }, (_, index) => this.get(index)).filter((at) => at.given)
      : [];
  }

  entries(): [key: string, at: At][] {
    const { value } = this;
    if (!isContainer(value) || Array.isArray(value)) return [];
    return Object.keys(value).map((key) => [key, this.get(key)]);
  }

  /** Text, a marker for what is not known, a number or a boolean as text; undefined for all else. */
  text(): string | undefined {
    const { value } = this;
    if (value instanceof Unresolved) return value.marker;
    return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
  }

  /** The texts of a list; null where it is not given, or not known as a whole. */
  texts(): string[] | null {
    return Array.isArray(this.value) ? this.items().map((at) => at.text() ?? "") : null;
  }

  number(): number | undefined {
    const { value } = this;
    if (typeof value === "number") return value;
    return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : undefined;
  }

  flag(): boolean | undefined {
    const { value } = this;
    if (typeof value === "boolean") return value;
    // YAML 1.1, which CloudFormation and gcloud read, has more words for the two.
    const text = typeof value === "string" ? value.toLowerCase() : "";
    return /^(true|yes|on)$/.test(text) ? true : /^(false|no|off)$/.test(text) ? false : undefined;
  }

  /** The same place with another value: JSON that is written as text, for example. */
  holding(value: unknown): At {
    return new At(value, this.path, this.#resolve);
  }
}

/** A policy pack's properties throw where a preview does not know them yet. */
function inside(value: unknown, key: string | number): unknown {
  if (!isContainer(value) || !Object.hasOwn(value, key)) return undefined;
  try {
    return value[key];
  } catch {
    return new Unresolved(`preview.${key}`);
  }
}

function isContainer(value: unknown): value is Record<string | number, unknown> {
  return value !== null && typeof value === "object" && !(value instanceof Unresolved);
}
