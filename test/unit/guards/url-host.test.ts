import fc from "fast-check";
import { expect, test } from "vitest";
import { hostAndPort } from "../../../sidecar/guards/url-host.ts";

test.each([
  ["https://example.com", "example.com", 443],
  ["HTTPS://Example.COM./a?b#c", "example.com", 443],
  ["http://example.com:8080", "example.com", 8080],
  ["ws://example.com/x", "example.com", 80],
  ["wss://example.com", "example.com", 443],
  ["//example.com/x", "example.com", 443],
  ["example.com", "example.com", 443],
  ["example.com:80/x", "example.com", 80],
  ["localhost", "localhost", 443],
  ["https://user:pass@evil.example/path", "evil.example", 443],
  ["https://[fd00:ec2::254]/latest", "fd00:ec2::254", 443],
  ["https://[::ffff:169.254.169.254]:81/", "169.254.169.254", 81],
  ["https://metadata.google.internal?x=1", "metadata.google.internal", 443],
  ["https://metadata.google.internal#x", "metadata.google.internal", 443],
  ["http://0x7f000001/", "127.0.0.1", 80],
  ["http://2852039166/", "169.254.169.254", 80],
  ["http://0177.0.0.1", "127.0.0.1", 80],
  ["http://127.1", "127.0.0.1", 80],
  ["http://\u2460\u2461\u2466.0.0.1/", "127.0.0.1", 80],
  ["http://ex\uff41mple.com", "example.com", 80],
  ["http://example.com/@evil.com", "example.com", 80],
  ["http://example.com?@evil.com", "example.com", 80],
  ["http://allowed.com@evil.com", "evil.com", 80],
])("%s leads to %s:%d", (url, host, port) => expect(hostAndPort(url)).toEqual({ host, port }));

test.each([
  "",
  "x",
  "not-a-host",
  "http://",
  "http:///evil.com",
  "http:/evil.com",
  "http:evil.com",
  "https://a@b@evil.com",
  "http://allowed.com\\@evil.com",
  "http://allowed.com\\.evil.com",
  "ht\ntp://evil.com",
  " http://evil.com",
  "http://evil.com ",
  "http://evil.com\t/",
  "http://ev\u0000il.com",
  "http://evil.com:",
  "http://evil.com:0",
  "http://evil.com:65536",
  "http://evil.com:80:81",
  "http://evil.com:8o",
  "http://fd00:ec2::254/latest",
  "http://[::1",
  "http://[::1]evil.com",
  "http://[fe80::1%25eth0]/",
  "http://%65vil.com",
  "http://evil..com",
  "http://256.256.256.256",
  "http://\u00a0evil.com",
  "data:text/plain,x",
  "javascript:alert(1)",
  "about:blank",
  "file:///etc/shadow",
  "file://evil.com/x",
  "ftp://evil.com",
  "gopher://evil.com",
  "http://".padEnd(9000, "a"),
])("%j is not read one way only", (url) => expect(hostAndPort(url)).toBeNull());

test("a URL that the platform accepts leads where the platform goes, or nowhere", () => {
  const part = (...options: string[]) => fc.constantFrom(...options);
  const url = fc
    .tuple(
      part("http", "https", "HTTP", "ws"),
      part("", "u@", "u:p@", "a.com@", "a@b@", "@"),
      part(
        "a.com",
        "A.Com.",
        "1.2.3.4",
        "0x7f.1",
        "127.1",
        "[::1]",
        "[::ffff:1.2.3.4]",
        "b\u00fccher.de",
        "a..b",
        "a_b",
        "a%2eb",
        "a.com\\",
        "\u3002a.com",
      ),
      part("", ":80", ":8080", ":0", ":99999", ":"),
      part("", "/", "/x", "?q", "#f", "/@b.com", "?@b.com", "#@b.com", "/\\b.com", "\\b.com", ";b.com"),
    )
    .map(([scheme, user, host, port, rest]) => `${scheme}://${user}${host}${port}${rest}`);
  fc.assert(
    fc.property(url, (text) => {
      const target = hostAndPort(text);
      if (target === null) return;
      const platform = new URL(text).hostname.replaceAll(/^\[|\]$|^\.+|\.+$/g, "");
      expect([platform, "1.2.3.4"]).toContain(target.host);
    }),
    { numRuns: 1000 },
  );
});
