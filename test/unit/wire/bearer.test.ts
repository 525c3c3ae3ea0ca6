import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBearer, encodeBearer } from "../../../sidecar/wire/bearer.ts";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { parseCapability } from "../../../sidecar/wire/capability.ts";
import { sha256 } from "../../../sidecar/wire/hash.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { subjectKeypair } from "../../../sidecar/wire/subject.ts";
import { token } from "./tokens.ts";

describe("the bearer form", () => {
  test("comes back as the same token, padded or not, however its JSON was spaced", () => {
    expect(parseCapability(decodeBearer(encodeBearer(token()))!)).toEqual(token());
    for (const text of [
      canonicalize(token()),
      JSON.stringify(token(), null, 2),
      `${canonicalize(token())} `,
      `${canonicalize(token())}  `,
    ]) {
      const value = Buffer.from(text).toString("base64url");
      expect(decodeBearer(value)).toBe(text);
      expect(decodeBearer(value.padEnd(Math.ceil(value.length / 4) * 4, "="))).toBe(text);
    }
  });

  test.each([
    "",
    "e",
    "{}",
    "mytoken123",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    `${encodeBearer(token())} `,
    `${encodeBearer(token())}!`,
    Buffer.from("[1]").toString("base64url"),
    // Not UTF-8 inside.
    Buffer.from([0x7b, 0xff, 0x7d]).toString("base64url"),
    // Standard alphabet.
    Buffer.from('{"a":"???>>>"}').toString("base64"),
  ])("%j is somebody else's", (value) => {
    expect(decodeBearer(value)).toBeNull();
  });

  test("a text has one spelling only: changed spare bits are not decoded", () => {
    const value = Buffer.from('{"a":1}').toString("base64url");
    const last = value.at(-1)!;
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const decoded = [...alphabet].filter((letter) => decodeBearer(value.slice(0, -1) + letter) === '{"a":1}');
    expect(decoded).toEqual([last]);
  });

  test("every object comes back", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (object) => {
        const text = JSON.stringify(object);
        expect(decodeBearer(Buffer.from(text).toString("base64url"))).toBe(text);
      }),
    );
  });
});

test("the key of a named subject is made from name and job, kept apart by a zero byte", () => {
  const seed = sha256(Buffer.from("ci\0job-1"));
  expect(subjectKeypair("ci", "job-1").publicKeyHex).toBe(Keypair.fromSeed(seed).publicKeyHex);
  const keys = [subjectKeypair("ci"), subjectKeypair("ci", "x"), subjectKeypair("cix"), subjectKeypair("")].map(
    (pair) => pair.publicKeyHex,
  );
  expect(new Set(keys).size).toBe(4);
});
