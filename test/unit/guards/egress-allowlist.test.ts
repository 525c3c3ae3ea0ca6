import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { egressAllowlistGuard } from "../../../sidecar/guards/egress-allowlist.ts";
import { PolicyError } from "../../../sidecar/policy/errors.ts";
import { defaultPolicy } from "../../../sidecar/policy/load.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { toolCall } from "./input.ts";

const guard = egressAllowlistGuard({
  allow: ["api.example.com", "*.wiki.example.com", "10.0.0.7"],
  block: ["old.wiki.example.com"],
  default: "block",
});
const fetches = (url: string, own = guard) => own.check(toolCall("fetch", { url })).allow;

describe("secure: what is listed passes", () => {
  test.each([
    "https://api.example.com/v1",
    "HTTPS://API.EXAMPLE.COM.",
    "https://user@api.example.com:8443/",
    "api.example.com",
    "https://a.wiki.example.com",
    "https://a.b.wiki.example.com",
    "http://10.0.0.7:8080/",
    "http://0x0a000007/",
  ])("%s", (url) => expect(fetches(url)).toBe(true));
});

describe("insecure: everything else is denied", () => {
  test.each([
    "https://example.com",
    "https://wiki.example.com",
    "https://evilwiki.example.com",
    "https://old.wiki.example.com",
    "https://OLD.wiki.example.com.",
    "https://api.example.com.evil.net",
    "https://api.example.com@evil.net",
    "https://evil.net#@api.example.com",
    "https://evil.net/?https://api.example.com",
    "https://api.example.com\\@evil.net",
    "https://api.example.com\u2044.evil.net",
    "https://\u0430pi.example.com",
    "http://10.0.0.8",
    "http://169.254.169.254/latest/meta-data",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://localhost.:80/",
    "http://metadata.google.internal./",
    "http://[::1]/",
    "file:///etc/shadow",
    "gopher://api.example.com",
  ])("%s", (url) => expect(fetches(url)).toBe(false));

  test("case 44: neither a wildcard nor default: allow lets a call reach the machine's own network", () => {
    const anyone = egressAllowlistGuard({ allow: ["*"], block: [], default: "block" });
    const open = egressAllowlistGuard({ allow: [], block: ["evil.example"], default: "allow" });
    for (const own of [anyone, open]) {
      expect(fetches("https://anything.example", own)).toBe(true);
      for (const host of [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "0x7f000001",
        "0177.0.0.1",
        "localhost.",
        "metadata.google.internal.",
        "redis",
        "10.1.2.3",
        "8.8.8.8",
        "[fd00:ec2::254]",
        "kubernetes.default.svc",
      ]) {
        expect([host, fetches(`http://${host}/`, own)]).toEqual([host, false]);
      }
    }
    expect(fetches("https://evil.example", open)).toBe(false);
    expect(fetches("http://localhost/", egressAllowlistGuard({ allow: ["localhost"], block: [], default: "block" }))).toBe(true);
  });

  test("the block list beats the allow list", () => {
    const own = egressAllowlistGuard({
      allow: ["a.example.com", "169.254.169.254"],
      block: ["*.example.com", "169.254.*"],
      default: "allow",
    });
    expect(fetches("https://a.example.com", own)).toBe(false);
    expect(fetches("http://0xa9fea9fe", own)).toBe(false);
  });
});

describe("every URL that a call names", () => {
  test.each<[string, Json]>([
    ["fetch", { url: "https://api.example.com", uri: "https://evil.net" }],
    ["fetch", { url: "https://api.example.com", URL: "https://evil.net" }],
    ["fetch", { url: "https://api.example.com", urls: ["https://evil.net"] }],
    ["fetch", { url: "https://api.example.com", href: 5 }],
    ["browser_navigate", { url: "https://evil.net" }],
    ["browser_navigate", { url: "//evil.net" }],
    ["browser_navigate", { url: "evil" }],
    ["click", { target: "https://evil.net" }],
    ["goto", { href: "javascript:fetch('//evil.net')" }],
  ])("%s %j is denied", (tool, args) => expect(guard.check(toolCall(tool, args)).allow).toBe(false));

  test.each<[string, Json]>([
    ["browser_navigate", { url: "https://api.example.com" }],
    ["browser_navigate", { url: "/next" }],
    ["browser_navigate", { url: "about:blank" }],
    ["click", { selector: "a[href='//evil.net']" }],
    ["crm_search", { url: "https://evil.net" }],
    ["read_file", { path: "https://evil.net" }],
  ])("%s %j passes", (tool, args) => expect(guard.check(toolCall(tool, args)).allow).toBe(true));
});

test("the default policy allows its three hosts and no package registry", () => {
  const settings = defaultPolicy().guards.egress_allowlist;
  if (settings === undefined) throw new Error("the default policy has no egress rules");
  const own = egressAllowlistGuard(settings);
  for (const host of ["api.openai.com", "api.anthropic.com", "api.github.com"]) expect(fetches(`https://${host}`, own)).toBe(true);
  for (const host of ["packages.example.com", "github.com"]) expect(fetches(`https://${host}`, own)).toBe(false);
});

test("spellings of one host get one verdict", () => {
  const host = fc.constantFrom("api.example.com", "a.wiki.example.com", "old.wiki.example.com", "evil.net", "10.0.0.7", "169.254.169.254");
  const spell = fc.constantFrom<(text: string) => string>(
    (text) => text.toUpperCase(),
    (text) => `${text}.`,
    (text) => (/^\d/.test(text) ? String(text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)) : text),
    (text) => (/^\d+(\.\d+){3}$/.test(text) ? `[::ffff:${text}]` : text),
    (text) => text.replaceAll(".", "\u3002"),
  );
  fc.assert(
    fc.property(host, spell, fc.constantFrom("http", "https", "wss"), (name, apply, scheme) => {
      expect(fetches(`${scheme}://${apply(name)}/`)).toBe(fetches(`https://${name}/`));
    }),
  );
});

test("details name the host; unusable settings are refused", () => {
  expect(guard.check(toolCall("fetch", { url: "https://evil.net" })).details).toBe("host evil.net is not on the allow list");
  expect(() => egressAllowlistGuard({ allow: ["https://x"], block: [], default: "block" })).toThrow(PolicyError);
});
