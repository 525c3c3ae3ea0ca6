import { describe, expect, test } from "vitest";
import { presentedCapability } from "../../../sidecar/http/capability.ts";
import { readHeaders } from "../../../sidecar/http/headers.ts";

const TOKEN = '{"id":"a","scope":{},"signature":"00","note":"é"}';
const read = (pairs: string[], query: Record<string, string> = {}) =>
  presentedCapability(readHeaders(["Host", "h", ...pairs], { maxHeaderBytes: 16_384, maxHeaderCount: 100 }), query);
const latin1 = (text: string) => Buffer.from(text).toString("latin1");
const base64url = (text: string) => Buffer.from(text).toString("base64url");

describe("presentedCapability", () => {
  test("nothing", () => {
    expect(read([])).toEqual({ token: undefined, inQuery: false, authorization: undefined });
  });
  test("each way gives the same text", () => {
    expect(read(["X-Chio-Capability", latin1(TOKEN)]).token).toBe(TOKEN);
    expect(read([], { chio_capability: TOKEN })).toMatchObject({ token: TOKEN, inQuery: true });
    expect(read(["Authorization", `Bearer ${base64url(TOKEN)}`])).toMatchObject({ token: TOKEN, authorization: undefined });
    expect(read(["authorization", `bearer  ${Buffer.from(TOKEN).toString("base64")}`]).token).toBe(TOKEN);
  });
  test.each([
    ["an opaque one", "Bearer abcdef"],
    ["a JWT", "Bearer eyJhbGciOiJub25lIn0.e30.x"],
    ["other JSON", `Bearer ${base64url('{"a":1}')}`],
    ["Basic", `Basic ${base64url(TOKEN)}`],
    ["none at all", "Bearer "],
    ["two words", `Bearer ${base64url(TOKEN)} x`],
  ])("a bearer that is no capability stays the caller's: %s", (_name, value) => {
    expect(read(["Authorization", value])).toEqual({ token: undefined, inQuery: false, authorization: value });
  });
  test.each(["\n", "\t", "\r\n ", " "])("white space before the brace (%j) hides nothing", (space) => {
    expect(read(["Authorization", `Bearer ${base64url(space + TOKEN)}`]).authorization).toBeUndefined();
  });
  test("one token on two ways is one, two tokens are refused", () => {
    expect(read(["X-Chio-Capability", latin1(TOKEN)], { chio_capability: TOKEN })).toMatchObject({ token: TOKEN, inQuery: true });
    expect(() => read(["X-Chio-Capability", "{}"], { chio_capability: TOKEN })).toThrow(/two different/);
    expect(() => read(["X-Chio-Capability", "{}", "Authorization", `Bearer ${base64url(TOKEN)}`])).toThrow(/two different/);
  });
  test("an empty one is one, and none of the others", () => {
    expect(read(["X-Chio-Capability", ""]).token).toBe("");
    expect(() => read(["X-Chio-Capability", ""], { chio_capability: TOKEN })).toThrow(/two different/);
  });
});
