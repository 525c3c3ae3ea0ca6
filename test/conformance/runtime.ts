import { ok, strictEqual } from "node:assert/strict";
import { canonicalize } from "../../sidecar/wire/canonical.ts";
import { WireError } from "../../sidecar/wire/errors.ts";
import { sha256Hex } from "../../sidecar/wire/hash.ts";
import { Keypair, verifySignature } from "../../sidecar/wire/keys.ts";
import { parseJson } from "../../sidecar/wire/parse.ts";
import type { Check } from "./load.ts";

/** What depends on the runtime's crypto, text decoder and engine, and must come out the same in all of them. No vector file has these. */
const CASES: [id: string, run: () => void][] = [
  ["small_order_key", smallOrderKey],
  ["malleable_signature", malleableSignature],
  ["bytes_and_text_are_signed_alike", bytesAndText],
  ["utf8_is_decoded_strictly", strictUtf8],
  ["unicode_is_hashed_as_utf8", () => strictEqual(sha256Hex("é😀"), sha256Hex(Buffer.from("é😀", "utf8")))],
  ["long_texts", longTexts],
];

export const runtimeChecks: Check[] = CASES.map(([id, run]) => ({ file: "runtime", id, run }));

/** Under the neutral point as key, S = 0 and R = the neutral point hold for every message. BoringSSL takes that; we must not. */
function smallOrderKey(): void {
  const key = `01${"00".repeat(31)}`;
  const signature = `01${"00".repeat(63)}`;
  strictEqual(verifySignature(key, "m", signature), false);
}

function malleableSignature(): void {
  const pair = Keypair.fromSeed(Buffer.alloc(32, 9));
  const signature = Buffer.from(pair.sign("m"), "hex");
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString("hex")}`) + order;
  const twin = Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse()]);
  strictEqual(verifySignature(pair.publicKeyHex, "m", signature.toString("hex")), true);
  strictEqual(verifySignature(pair.publicKeyHex, "m", twin.toString("hex")), false);
}

function bytesAndText(): void {
  const pair = Keypair.fromSeed(Buffer.alloc(32, 9));
  strictEqual(pair.sign("é😀"), pair.sign(Buffer.from("é😀", "utf8")));
}

function strictUtf8(): void {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0x80, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
  ]) {
    try {
      parseJson(Uint8Array.from(bytes));
      ok(false, `accepted ${bytes}`);
    } catch (error) {
      ok(error instanceof WireError && error.code === "invalid_utf8", String(error));
    }
  }
}

function longTexts(): void {
  const text = "a\u007f😀".repeat(200_000);
  const written = canonicalize([text]);
  strictEqual(written.length, 4 + 200_000 * 9);
  strictEqual((parseJson(written) as string[])[0], text);
}
