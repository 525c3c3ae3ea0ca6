import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isUsablePublicKey } from "../../../sidecar/wire/ed25519-point.ts";
import { WireError } from "../../../sidecar/wire/errors.ts";
import { Keypair, parsePublicKey, parseSeed, verifySignature } from "../../../sidecar/wire/keys.ts";

const SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return "nothing thrown";
}

/** RFC 8032, section 7.1. */
describe.each([
  [
    SEED,
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
])("RFC 8032 test with seed %s", (seed, publicKey, messageHex, signature) => {
  const message = Buffer.from(messageHex, "hex");
  test("signs and verifies", () => {
    const pair = Keypair.fromSeedHex(seed);
    expect(pair.publicKeyHex).toBe(publicKey);
    expect(pair.sign(message)).toBe(signature);
    expect(verifySignature(publicKey, message, signature)).toBe(true);
  });

  test("no changed bit of message, key or signature verifies", () => {
    for (let bit = 0; bit < 512; bit++) {
      const changed = Buffer.from(signature, "hex");
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(verifySignature(publicKey, message, changed.toString("hex"))).toBe(false);
    }
    for (let bit = 0; bit < 256; bit += 5) {
      const changed = Buffer.from(publicKey, "hex");
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(verifySignature(changed.toString("hex"), message, signature)).toBe(false);
    }
    expect(verifySignature(publicKey, Buffer.concat([message, Buffer.of(0)]), signature)).toBe(false);
  });
});

describe("verification", () => {
  const pair = Keypair.fromSeedHex(SEED);
  const signature = pair.sign("message");

  test("never throws on malformed input, and says no", () => {
    for (const key of [
      "",
      "zz",
      pair.publicKeyHex.toUpperCase(),
      `0x${pair.publicKeyHex}`,
      `${pair.publicKeyHex}00`,
      `p256:04${"0".repeat(128)}`,
    ]) {
      expect(verifySignature(key, "message", signature)).toBe(false);
    }
    for (const bad of ["", "00", signature.toUpperCase(), `${signature}0`, `p256:${signature}`, "g".repeat(128)]) {
      expect(verifySignature(pair.publicKeyHex, "message", bad)).toBe(false);
    }
  });

  test("S + L, the malleable twin of a signature, does not verify", () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const bytes = Buffer.from(signature, "hex");
    const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString("hex")}`) + order;
    const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse()]);
    expect(verifySignature(pair.publicKeyHex, "message", twin.toString("hex"))).toBe(false);
  });

  test("a key of small order, under which one signature holds for every message, is refused", () => {
    const identity = `01${"00".repeat(31)}`;
    // R = identity, S = 0.
    expect(verifySignature(identity, "any message", `01${"00".repeat(63)}`)).toBe(false);
    expect(codeOf(() => parsePublicKey(identity))).toBe("invalid_public_key");
  });

  test("more keys than the cache holds still verify", () => {
    const pairs = [1, 2, 3].map((byte) => Keypair.fromSeed(Buffer.alloc(32, byte)));
    const signatures = pairs.map((each) => each.sign("m"));
    const all = () => pairs.map((each, i) => verifySignature(each.publicKeyHex, "m", signatures[i]!));
    expect(all()).toEqual([true, true, true]);
    for (let i = 0; i < 1100; i++) expect(verifySignature(i.toString(16).padStart(64, "0"), "m", signatures[0]!)).toBe(false);
    expect(all()).toEqual([true, true, true]);
    expect(verifySignature(pairs[1]!.publicKeyHex, "m", signatures[0]!)).toBe(false);
  });
});

describe("usable public keys", () => {
  const P = 2n ** 255n - 19n;
  const encode = (y: bigint, sign = 0): Buffer => {
    const bytes = Buffer.from(y.toString(16).padStart(64, "0"), "hex").reverse();
    bytes[31]! |= sign << 7;
    return bytes;
  };

  test("none of small order, in either sign and in canonical or other encodings", () => {
    const orderEight = [
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    const points = [encode(0n), encode(1n), encode(P - 1n), encode(P), encode(P + 1n), ...orderEight.map((hex) => Buffer.from(hex, "hex"))];
    for (const point of points) {
      expect(isUsablePublicKey(point)).toBe(false);
      const other = Buffer.from(point);
      other[31]! ^= 0x80;
      expect(isUsablePublicKey(other)).toBe(false);
    }
  });

  test("none that is off the curve, about half of all y", () => {
    const usable = Array.from({ length: 200 }, (_, i) => isUsablePublicKey(encode(BigInt(i + 2)))).filter(Boolean).length;
    expect(usable).toBeGreaterThan(60);
    expect(usable).toBeLessThan(140);
    // y = 2 is the known smallest one that is off the curve.
    expect(isUsablePublicKey(encode(2n))).toBe(false);
  });

  test("every key that a seed makes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        expect(isUsablePublicKey(Buffer.from(Keypair.fromSeed(seed).publicKeyHex, "hex"))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("wrong length", () => {
    expect(isUsablePublicKey(Buffer.alloc(31))).toBe(false);
  });
});

describe("Keypair", () => {
  test("seed as hex, with 0x, upper case or space around it; as bytes; generated", () => {
    const expected = Keypair.fromSeedHex(SEED).publicKeyHex;
    for (const text of [`0x${SEED}`, SEED.toUpperCase(), ` ${SEED}\n`]) expect(Keypair.fromSeedHex(text).publicKeyHex).toBe(expected);
    expect(Keypair.fromSeed(Buffer.from(SEED, "hex")).publicKeyHex).toBe(expected);
    expect(Keypair.generate().publicKeyHex).not.toBe(Keypair.generate().publicKeyHex);
  });

  test("wipe drops the key, and the caller's seed stays untouched", () => {
    const seed = Buffer.from(SEED, "hex");
    const pair = Keypair.fromSeed(seed);
    expect(pair.wiped).toBe(false);
    pair.wipe();
    pair.wipe();
    expect(pair.wiped).toBe(true);
    expect(codeOf(() => pair.sign("x"))).toBe("key_wiped");
    expect(codeOf(() => pair.exportSeed())).toBe("key_wiped");
    expect(seed.toString("hex")).toBe(SEED);
    expect(pair.publicKeyHex).toHaveLength(64);
  });

  test("neither inspection nor JSON shows the seed", () => {
    const pair = Keypair.fromSeedHex(SEED);
    expect(inspect(pair, { depth: 10, showHidden: true })).not.toContain(SEED.slice(0, 16));
    expect(JSON.stringify({ pair })).toBe(`{"pair":{"publicKeyHex":"${pair.publicKeyHex}"}}`);
    expect(Buffer.from(pair.exportSeed()).toString("hex")).toBe(SEED);
  });
});

describe("parseSeed", () => {
  const bytes = Buffer.from(SEED, "hex");
  test.each([
    SEED,
    `0x${SEED}`,
    SEED.toUpperCase(),
    bytes.toString("base64"),
    bytes.toString("base64url"),
    `\n${bytes.toString("base64")}\n`,
  ])("reads %j", (text) => {
    expect(Buffer.from(parseSeed(text)).toString("hex")).toBe(SEED);
  });

  test.each([
    "",
    "   ",
    SEED.slice(1),
    `${SEED}0`,
    `0x${SEED}00`,
    bytes.subarray(0, 31).toString("base64"),
    Buffer.alloc(33).toString("base64"),
    `${bytes.toString("base64").slice(0, -2)}B=`,
    "not a seed at all, but long enough to look",
    `${SEED.slice(0, 32)} ${SEED.slice(32)}`,
  ])("refuses %j without repeating it", (text) => {
    try {
      parseSeed(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(WireError);
      expect((error as WireError).code).toBe("invalid_seed");
      if (text.trim().length > 8)
        expect(`${(error as WireError).message} ${(error as WireError).fix}`).not.toContain(text.trim().slice(0, 8));
    }
  });

  test("fromSeedHex takes no base64, fromSeed no other length", () => {
    expect(codeOf(() => Keypair.fromSeedHex(bytes.toString("base64")))).toBe("invalid_seed");
    expect(codeOf(() => Keypair.fromSeed(Buffer.alloc(31)))).toBe("invalid_seed");
  });
});

describe("parsePublicKey", () => {
  const hex = Keypair.fromSeedHex(SEED).publicKeyHex;
  test("gives the wire form", () => {
    for (const text of [hex, `0x${hex}`, hex.toUpperCase(), ` ${hex}\n`]) expect(parsePublicKey(text)).toBe(hex);
  });

  test.each([
    ["", "invalid_public_key"],
    [hex.slice(2), "invalid_public_key"],
    [`${hex.slice(0, 62)}zz`, "invalid_public_key"],
    ["0".repeat(64), "invalid_public_key"],
    [`p256:04${"a".repeat(128)}`, "unsupported_algorithm"],
    [`p384:04${"a".repeat(192)}`, "unsupported_algorithm"],
    ["hybrid:aa:bb:ed25519+mldsa65", "unsupported_algorithm"],
  ])("refuses %j", (text, code) => {
    expect(codeOf(() => parsePublicKey(text))).toBe(code);
  });
});
