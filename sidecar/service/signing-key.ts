import { ChioError } from "../wire/errors.ts";
import { Keypair, parseSeed } from "../wire/keys.ts";
import { type ConfigProblem, describeFileError } from "./errors.ts";
import type { Getter } from "./resolve.ts";

export interface SigningKey {
  seedHex: string;
  publicKeyHex: string;
}

export interface KeyFiles {
  readFile: (path: string) => Uint8Array;
  fileMode?: (path: string) => number | null;
}

/**
 * The signing key from its variable or its file. Null when there is a problem, which is then in `problems`: the sidecar never makes up a key
 * of its own, since nobody could verify its receipts after the next restart.
 */
export function resolveSigningKey(get: Getter, files: KeyFiles, problems: ConfigProblem[], warnings: string[]): SigningKey | null {
  const inline = get("signingKey");
  const file = get("signingKeyFile");
  if (file.origin === "env" && inline.value !== null) {
    problems.push({
      code: "config_conflict",
      source: `${inline.source} and ${file.source}`,
      message: "both are set",
      fix: "keep one of the two, so that it is plain which key signs",
    });
    return null;
  }
  if (file.origin === "flag" && inline.value !== null) warnings.push(`${inline.source}: ignored, ${file.source} names the key`);
  if (file.origin !== "flag" && inline.value !== null) return accept(readSigningKey(inline.value, inline.source), problems);
  if (file.value === null) {
    if (file.origin === "default") {
      problems.push({
        code: "signing_key_missing",
        source: "CHIO_SIGNING_KEY",
        message: "there is no signing key, and no receipt without one",
        fix: "set CHIO_SIGNING_KEY or CHIO_SIGNING_KEY_FILE from your secret store; `chio keygen` makes a key",
      });
    }
    return null;
  }
  const source = `${file.source} (${file.value})`;
  let text: Buffer | undefined;
  try {
    text = Buffer.from(files.readFile(file.value));
    const warning = keyFileWarning(file.value, files.fileMode?.(file.value) ?? 0);
    if (warning !== null) warnings.push(warning);
    return accept(readSigningKey(text.toString("utf8"), source), problems);
  } catch (error) {
    problems.push({
      code: "signing_key_unreadable",
      source,
      message: describeFileError(error),
      fix: "mount the secret there and make it readable for this user",
    });
    return null;
  } finally {
    text?.fill(0);
  }
}

function accept(key: SigningKey | ConfigProblem, problems: ConfigProblem[]): SigningKey | null {
  if ("seedHex" in key) return key;
  problems.push(key);
  return null;
}

/**
 * The seed out of `text` (64 hex digits or base64 of 32 bytes), or what is wrong with it. Neither the text nor a part of it is in the problem.
 */
export function readSigningKey(text: string, source: string): SigningKey | ConfigProblem {
  let seed: Uint8Array | undefined;
  try {
    seed = parseSeed(text);
    const keypair = Keypair.fromSeed(seed);
    const key = { seedHex: Buffer.from(seed).toString("hex"), publicKeyHex: keypair.publicKeyHex };
    keypair.wipe();
    return key;
  } catch (error) {
    return {
      code: "signing_key_invalid",
      source,
      message: error instanceof ChioError ? error.message : "is not an Ed25519 seed",
      fix: "give 64 hex digits (0x allowed) or base64 of 32 bytes; `chio keygen` makes one",
    };
  } finally {
    seed?.fill(0);
  }
}

/** A warning where others than the owner could read the file, or the group could write it; null when its mode is sound. */
export function keyFileWarning(path: string, mode: number): string | null {
  const loose = mode & 0o027;
  if (loose === 0) return null;
  const who = (mode & 0o007) !== 0 ? "every user of this machine" : "its group";
  return `${path}: mode ${(mode & 0o777).toString(8).padStart(4, "0")} opens the signing key to ${who}; chmod 0400 it`;
}
