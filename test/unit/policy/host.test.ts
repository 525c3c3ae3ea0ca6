import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalHost, compileHostPattern, isInternalHost } from "../../../sidecar/policy/host.ts";
import { wildcardMatch } from "../../../sidecar/policy/wildcard.ts";

describe("canonical form", () => {
  test.each([
    ["Example.COM", "example.com"],
    ["example.com.", "example.com"],
    [".example.com..", "example.com"],
    ["b\u00fccher.example", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["\uff45xample.com", "example.com"],
    ["example\u3002com", "example.com"],
    ["127.0.0.1", "127.0.0.1"],
    ["0x7f000001", "127.0.0.1"],
    ["0x7f.1", "127.0.0.1"],
    ["2130706433", "127.0.0.1"],
    ["0177.0.0.1", "127.0.0.1"],
    ["127.1", "127.0.0.1"],
    ["127.0.0.1.", "127.0.0.1"],
    ["[::1]", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["[::ffff:169.254.169.254]", "169.254.169.254"],
    ["::FFFF:a9fe:a9fe", "169.254.169.254"],
    ["FD00:EC2::254", "fd00:ec2::254"],
  ])("%s is %s", (text, expected) => expect(canonicalHost(text)).toBe(expected));

  test.each([
    "",
    ".",
    "a b",
    "a\tb",
    "a/b",
    "a\\b",
    "a?b",
    "a#b",
    "a@b",
    "a%2eb",
    "a..b",
    "256.1.1.1",
    "1.2.3.4.5",
    "[::1",
    "::1]",
    "fe80::1%eth0",
    "a".repeat(254),
  ])("%j is no host", (text) => expect(canonicalHost(text)).toBeNull());

  test("is a fixed point", () => {
    fc.assert(
      fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV4Extended(), fc.ipV6()), (host) => {
        const once = canonicalHost(host);
        expect(once).not.toBeNull();
        expect(canonicalHost(once ?? "")).toBe(once);
      }),
    );
  });
});

describe("internal hosts", () => {
  test.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "0.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "fc00::1",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "localhost",
    "redis",
    "metadata.google.internal",
    "x.localhost",
    "kubernetes.default.svc",
    "printer.local",
  ])("%s", (host) => expect(isInternalHost(host)).toBe(true));

  test.each(["8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "11.0.0.1", "example.com", "internal.example.com", "2606:4700::1111"])(
    "%s is not",
    (host) => expect(isInternalHost(host)).toBe(false),
  );
});

describe("patterns", () => {
  const matches = (pattern: string, host: string, mode: "allow" | "block" = "allow"): boolean => {
    const compiled = compileHostPattern(pattern, mode);
    if (typeof compiled === "string") throw new Error(compiled);
    return compiled.matches(host);
  };

  test.each([
    ["api.example.com", "api.example.com", true, true],
    ["API.Example.com.", "api.example.com", true, true],
    ["*.example.com", "example.com", false, false],
    ["*.example.com", "a.example.com", true, true],
    ["*.example.com", "a.b.example.com", true, true],
    ["*.example.com", "evilexample.com", false, false],
    ["*.example.com", "a.example.com.evil.net", false, false],
    ["api-*.example.com", "api-1.example.com", true, true],
    ["api-*.example.com", "api-1.x.example.com", false, true],
    ["api.*", "api.evil.net", false, true],
    ["api.*", "api.a.b", false, true],
    ["*.b\u00fccher.example", "a.xn--bcher-kva.example", true, true],
    ["*", "anything.example", true, true],
    ["10.0.0.1", "10.0.0.1", true, true],
    ["0x0a000001", "10.0.0.1", true, true],
    ["10.0.0.*", "10.0.0.1", false, true],
    ["::1", "::1", true, true],
    ["[::1]", "::1", true, true],
  ])("%s on %s", (pattern, host, allow, block) => {
    expect(matches(pattern, host, "allow")).toBe(allow);
    expect(matches(pattern, host, "block")).toBe(block);
  });

  test.each([
    ["https://example.com", "must be a host, without scheme, path or CIDR range"],
    ["example.com/path", "must be a host, without scheme, path or CIDR range"],
    ["10.0.0.0/8", "must be a host, without scheme, path or CIDR range"],
    ["example.com:443", "must be a host without a port"],
    ["exa mple.com", "is not a host name or IP address"],
    ["", "is not a host name or IP address"],
    ["*..com", "is not a host pattern"],
    ["*.exa mple.com", "is not a host pattern"],
  ])("%j is refused", (pattern, reason) => expect(compileHostPattern(pattern, "allow")).toBe(reason));
});

test("wildcards agree with a regular expression", () => {
  const piece = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  fc.assert(
    fc.property(piece, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 }), (pattern, text) => {
      expect(wildcardMatch(pattern, text)).toBe(new RegExp(`^${pattern.replaceAll(/\*+/g, ".*")}$`).test(text));
    }),
  );
});
