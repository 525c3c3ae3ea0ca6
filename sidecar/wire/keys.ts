import { createPrivateKey, createPublicKey, sign as cryptoSign, verify as cryptoVerify, type KeyObject, randomBytes } from "node:crypto";
import { isUsablePublicKey } from "./ed25519-point.ts";
import { WireError } from "./errors.ts";
import { isLowerHex } from "./hash.ts";
import type { PublicKeyHex, SignatureHex } from "./types.ts";

/** DER in front of a raw seed (RFC 8410 PKCS#8) and in front of a raw public key (SubjectPublicKeyInfo). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
/** Imported public keys kept for verification; the least recently used goes first. */
const PUBLIC_KEY_CACHE_SIZE = 1024;

/**
 * An Ed25519 signing key. The seed is copied in, imported once, and never leaves through this class. `wipe()` overwrites the copy and drops the
 * key; after that `sign` throws. The caller's own seed buffer stays the caller's to wipe.
 */
export class Keypair {
  readonly publicKeyHex: PublicKeyHex;
  readonly #seed: Buffer;
  #key: KeyObject | null;

  private constructor(seed: Buffer) {
    this.#seed = seed;
    const der = Buffer.concat([PKCS8_PREFIX, seed]);
    try {
      this.#key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    } finally {
      der.fill(0);
    }
    this.publicKeyHex = createPublicKey(this.#key).export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length).toString("hex");
  }

  /** `hex`: 64 hex characters, a leading 0x is tolerated. */
  static fromSeedHex(hex: string): Keypair {
    const seed = seedFromHex(hex.trim());
    if (seed === null) throw invalidSeed("expected 64 hex characters");
    return new Keypair(seed);
  }

  /** `bytes`: 32 bytes, copied. */
  static fromSeed(bytes: Uint8Array): Keypair {
    if (bytes.length !== 32) throw invalidSeed(`expected 32 bytes, got ${bytes.length}`);
    const seed = Buffer.alloc(32);
    seed.set(bytes);
    return new Keypair(seed);
  }

  static generate(): Keypair {
    const random = randomBytes(32);
    try {
      return Keypair.fromSeed(random);
    } finally {
      random.fill(0);
    }
  }

  /** Plain Ed25519 over the bytes (a string is signed as UTF-8): no prefix, no pre-hash. */
  sign(message: Uint8Array | string): SignatureHex {
    if (this.#key === null) throw new WireError("key_wiped", "the signing key was wiped", { fix: "sign before closing the kernel" });
    return cryptoSign(null, toBytes(message), this.#key).toString("hex");
  }

  /** Copy of the seed, for `chio keygen`. The caller wipes it. */
  exportSeed(): Uint8Array {
    if (this.#key === null) throw new WireError("key_wiped", "the signing key was wiped");
    return Uint8Array.from(this.#seed);
  }

  wipe(): void {
    this.#seed.fill(0);
    this.#key = null;
  }

  get wiped(): boolean {
    return this.#key === null;
  }

  /** A key that is logged or put into JSON by mistake shows its public half only. */
  toJSON(): { publicKeyHex: PublicKeyHex } {
    return { publicKeyHex: this.publicKeyHex };
  }
}

/**
 * True when the signature over the bytes (UTF-8 of a string) verifies under a usable Ed25519 key. False for anything else, a malformed key,
 * signature or another algorithm included: it never throws on bad input.
 */
export function verifySignature(publicKeyHex: string, message: Uint8Array | string, signatureHex: string): boolean {
  if (!isLowerHex(signatureHex, 128)) return false;
  const key = importPublicKey(publicKeyHex);
  return key !== null && cryptoVerify(null, toBytes(message), key, Buffer.from(signatureHex, "hex"));
}

/** 32 seed bytes from what an operator writes: 64 hex (optional 0x) or base64 of 32 bytes. Surrounding space is ignored. The caller wipes them. */
export function parseSeed(text: string): Uint8Array {
  const trimmed = text.trim();
  const fromHex = seedFromHex(trimmed);
  if (fromHex !== null) return fromHex;
  if (/^[A-Za-z0-9+/]{43}=$/.test(trimmed) || /^[A-Za-z0-9_-]{43}=?$/.test(trimmed)) {
    const seed = Buffer.from(trimmed, "base64");
    // The last character carries two spare bits; a non-zero one means a truncated or mistyped text.
    if (seed.length === 32 && seed.toString("base64url") === trimmed.replaceAll("+", "-").replaceAll("/", "_").replace("=", ""))
      return seed;
  }
  throw invalidSeed(trimmed === "" ? "it is empty" : `got ${trimmed.length} characters that are neither`);
}

/** A public key as operators write it (64 hex, optional 0x, any case), as the wire's 64 lower-case hex. Refuses unusable and foreign keys. */
export function parsePublicKey(text: string): PublicKeyHex {
  const trimmed = text.trim();
  const foreign = foreignAlgorithm(trimmed);
  if (foreign !== null) {
    throw new WireError("unsupported_algorithm", `${foreign} keys are not supported`, { fix: "use an Ed25519 key: 64 hex characters" });
  }
  const hex = trimmed.replace(/^0x/i, "").toLowerCase();
  if (!isLowerHex(hex, 64)) {
    throw new WireError("invalid_public_key", `not an Ed25519 public key: got ${trimmed.length} characters`, {
      fix: "give 64 hex characters, as `chio keygen` prints them",
    });
  }
  if (!isUsablePublicKey(Buffer.from(hex, "hex"))) {
    throw new WireError("invalid_public_key", "these 32 bytes are no safe Ed25519 point", {
      fix: "give the key that `chio keygen` printed",
    });
  }
  return hex;
}

/** Name of the algorithm when the text is a key or signature of another one, else null. */
export function foreignAlgorithm(text: string): string | null {
  const prefix = /^(p256|p384|hybrid):/i.exec(text)?.[1]?.toLowerCase();
  if (prefix === undefined) return null;
  return { p256: "P-256", p384: "P-384", hybrid: "Hybrid post-quantum" }[prefix] ?? prefix;
}

const publicKeys = new Map<string, KeyObject | null>();

/** null, kept too: the key is malformed or unusable. */
function importPublicKey(hex: string): KeyObject | null {
  const cached = publicKeys.get(hex);
  if (cached !== undefined) {
    if (publicKeys.size >= PUBLIC_KEY_CACHE_SIZE / 2) {
      publicKeys.delete(hex);
      publicKeys.set(hex, cached);
    }
    return cached;
  }
  if (!isLowerHex(hex, 64)) return null;
  const raw = Buffer.from(hex, "hex");
  const key = isUsablePublicKey(raw) ? createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" }) : null;
  if (publicKeys.size >= PUBLIC_KEY_CACHE_SIZE) publicKeys.delete(publicKeys.keys().next().value!);
  publicKeys.set(hex, key);
  return key;
}

function seedFromHex(text: string): Buffer | null {
  const hex = text.replace(/^0x/i, "");
  return /^[0-9a-fA-F]{64}$/.test(hex) ? Buffer.from(hex, "hex") : null;
}

/** Never carries the value. */
function invalidSeed(problem: string): WireError {
  return new WireError("invalid_seed", `the signing seed is malformed: ${problem}`, {
    fix: "give 64 hex characters or base64 of 32 bytes, as `chio keygen` writes them",
  });
}

function toBytes(message: Uint8Array | string): Uint8Array {
  return typeof message === "string" ? Buffer.from(message, "utf8") : message;
}
