import { type Command, InvalidArgumentError } from "commander";
import { canonicalize } from "../wire/canonical.ts";
import { ChioError } from "../wire/errors.ts";
import { Keypair, parsePublicKey, parseSeed } from "../wire/keys.ts";
import { type CommandIo, readInput } from "./io.ts";

/** Prints one JSON value on one line. Integers keep their digits. */
export function printJson(io: CommandIo, value: object): void {
  io.stdout(`${canonicalize(value)}\n`);
}

/**
 * Runs a check over a file. When the file itself is refused, the answer on standard output is still JSON: `{"ok":false,"error":{…}}` with
 * `fields`; the program reports the error as usual, with exit code 1.
 */
export async function checkFile(io: CommandIo, fields: object, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (error instanceof ChioError) printJson(io, { ok: false, ...fields, error: { code: error.code, message: error.message } });
    throw error;
  }
}

/** The signing key in a file: 64 hex or base64 of 32 bytes. `-` is standard input. */
export async function readKeypair(io: CommandIo, path: string): Promise<Keypair> {
  const bytes = await readInput(io, path);
  const seed = parseSeed(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"));
  try {
    return Keypair.fromSeed(seed);
  } finally {
    seed.fill(0);
    bytes.fill(0);
  }
}

/** For options that take a public key: misuse when it is none. */
export function publicKeyArgument(text: string): string {
  try {
    return parsePublicKey(text);
  } catch (error) {
    if (error instanceof ChioError) throw new InvalidArgumentError(`${error.message}; ${error.fix ?? "give 64 hex characters"}.`);
    throw error;
  }
}

/** For a key option that may be repeated, and takes several keys separated by commas. */
export function publicKeysArgument(text: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), ...text.split(",").map(publicKeyArgument)];
}

/**
 * Splits the operands of a command that is documented as `FILE [--option HEX…]`: one is the file, and after an option with keys the others may be more
 * keys, in any order.
 */
export function fileAndKeys(
  command: Command,
  operands: readonly string[],
  keys: readonly string[] | undefined,
): { file: string; keys?: string[] } {
  const isKey = (text: string) => /^(0x)?[0-9a-f]{64}$/i.test(text);
  const files = keys === undefined ? operands : operands.filter((text) => !isKey(text));
  const [file] = files;
  if (file === undefined) command.error("error: missing required argument 'file'", { exitCode: 2 });
  if (files.length > 1) command.error(`error: expected one file, got ${files.length}: ${files.join(" ")}`, { exitCode: 2 });
  if (keys === undefined) return { file: file! };
  return { file: file!, keys: [...keys, ...operands.filter(isKey).map(parsePublicKey)] };
}

export function unixTimeArgument(text: string): number {
  const value = Number(text);
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError("Give unix seconds, like 1710000400.");
  return value;
}

export function countArgument(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("Give a whole number from 0 to 999999.");
  return Number(text);
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `30s`, `15m`, `1h`, `7d` as seconds. */
export function durationArgument(text: string): number {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text);
  const seconds = match ? Number(match[1]) * (UNIT_SECONDS[match[2] || "s"] ?? 1) : 0;
  if (seconds < 1) throw new InvalidArgumentError("Give a time like 90, 30s, 15m, 1h or 7d.");
  return seconds;
}

export function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}
