import { WireError, type WireErrorCode } from "./errors.ts";
import { isLowerHex } from "./hash.ts";
import type { Json, JsonObject } from "./json.ts";
import { foreignAlgorithm } from "./keys.ts";
import type { PublicKeyHex, SignatureHex } from "./types.ts";

/** Reads the fields of one untrusted object, with errors that name the place. */
export class FieldReader {
  readonly path: string;
  readonly #object: JsonObject;
  readonly #code: WireErrorCode;

  constructor(value: Json | undefined, path: string, code: WireErrorCode) {
    this.path = path;
    this.#code = code;
    if (!isObject(value)) throw new WireError(code, `${path} must be an object`);
    this.#object = value;
  }

  /** A field that is absent or null is undefined: serde writers and readers treat both the same. */
  get(name: string): Json | undefined {
    const value = Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
    return value === null ? undefined : value;
  }

  keys(): string[] {
    return Object.keys(this.#object);
  }

  /** Refuses every key that is not in `known`. */
  only(known: ReadonlySet<string>): this {
    for (const key of Object.keys(this.#object)) {
      if (!known.has(key)) throw this.fail(`${this.path} has the unknown field ${JSON.stringify(key.slice(0, 60).toWellFormed())}`);
    }
    return this;
  }

  string(name: string): string {
    const value = this.get(name);
    if (typeof value !== "string") throw this.wrong(name, "a string", value);
    return value;
  }

  nonEmptyString(name: string): string {
    const value = this.string(name);
    if (value === "") throw this.fail(`${this.path}.${name} is empty`);
    return value;
  }

  optionalString(name: string): string | undefined {
    return this.get(name) === undefined ? undefined : this.string(name);
  }

  boolean(name: string): boolean {
    const value = this.get(name);
    if (typeof value !== "boolean") throw this.wrong(name, "a boolean", value);
    return value;
  }

  optionalBoolean(name: string): boolean | undefined {
    return this.get(name) === undefined ? undefined : this.boolean(name);
  }

  /** A whole number from 0 to `max`. */
  integer(name: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(name);
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0 || value > max) {
      throw this.wrong(name, `a whole number from 0 to ${max}`, value);
    }
    return value;
  }

  optionalInteger(name: string, max?: number): number | undefined {
    return this.get(name) === undefined ? undefined : this.integer(name, max);
  }

  /** A whole number of 64 bits, `bigint` where a double would not be exact. */
  u64(name: string): number | bigint {
    const value = this.get(name);
    if (!isU64(value)) throw this.wrong(name, "a whole number of 64 bits", value);
    return value;
  }

  hex(name: string, length: number, what: string): string {
    const value = this.get(name);
    if (!isLowerHex(value, length)) throw this.wrong(name, `${what}: ${length} lower-case hex characters`, value);
    return value;
  }

  publicKey(name: string): PublicKeyHex {
    this.#refuseForeign(name);
    return this.hex(name, 64, "an Ed25519 public key");
  }

  signature(name: string): SignatureHex {
    this.#refuseForeign(name);
    return this.hex(name, 128, "an Ed25519 signature");
  }

  /** Envelope field `algorithm`: absent means Ed25519, and nothing else is supported. */
  algorithm(): string | undefined {
    const value = this.optionalString("algorithm");
    if (value !== undefined && value !== "ed25519") {
      throw new WireError(
        "unsupported_algorithm",
        `${this.path}.algorithm ${JSON.stringify(value.slice(0, 40).toWellFormed())} is not supported`,
        {
          fix: "sign with ed25519",
        },
      );
    }
    return value;
  }

  #refuseForeign(name: string): void {
    const value = this.get(name);
    const foreign = typeof value === "string" ? foreignAlgorithm(value) : null;
    if (foreign === null) return;
    throw new WireError("unsupported_algorithm", `${this.path}.${name} is a ${foreign} value, which is not supported`, {
      fix: "use Ed25519",
    });
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = this.get(name);
    const found = values.find((candidate) => candidate === value);
    if (found === undefined) throw this.wrong(name, `one of ${values.join(", ")}`, value);
    return found;
  }

  optionalOneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    return this.get(name) === undefined ? undefined : this.oneOf(name, values);
  }

  array(name: string): Json[] {
    const value = this.get(name);
    if (!Array.isArray(value)) throw this.wrong(name, "an array", value);
    return value;
  }

  /** Absent and empty are the same: undefined. */
  optionalArray(name: string): Json[] | undefined {
    if (this.get(name) === undefined) return undefined;
    const value = this.array(name);
    return value.length === 0 ? undefined : value;
  }

  /** Array of objects whose inside is not interpreted; absent and empty are the same. */
  optionalObjects(name: string): JsonObject[] | undefined {
    const items = this.optionalArray(name);
    if (items && !items.every(isObject)) throw this.wrong(name, "an array of objects", items);
    return items as JsonObject[] | undefined;
  }

  object(name: string): FieldReader {
    return new FieldReader(this.get(name), `${this.path}.${name}`, this.#code);
  }

  at(value: Json | undefined, path: string): FieldReader {
    return new FieldReader(value, `${this.path}.${path}`, this.#code);
  }

  optionalObject(name: string): JsonObject | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.wrong(name, "an object", value);
    return value;
  }

  fail(message: string): WireError {
    return new WireError(this.#code, message);
  }

  wrong(name: string, expected: string, value: Json | undefined): WireError {
    return this.fail(`${this.path}.${name} ${value === undefined ? "is missing: it must" : "must"} be ${expected}`);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isStringArray(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

const U64_MAX = 2n ** 64n - 1n;

export function isU64(value: Json | undefined): value is number | bigint {
  if (typeof value === "bigint") return value >= 0n && value <= U64_MAX;
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
