import { hostAndPort } from "../../guards/url-host.ts";
import { canonicalHost, compileHostPattern } from "../../policy/host.ts";
import type { Json } from "../../wire/json.ts";
import { type ConstraintCheck, type ConstraintSubject, stringLeaves } from "./subject.ts";

/** `domain_exact`: every host that the arguments name is this one, and there is at least one. */
export function domainExact(value: Json | undefined): ConstraintCheck {
  const expected = typeof value === "string" ? canonicalHost(value) : null;
  return onHosts("domain_exact", expected === null ? null : (host) => host === expected);
}

/** `domain_glob`: the same with the host patterns of the egress guard. `*.example.com` covers any depth below, not `example.com`. */
export function domainGlob(value: Json | undefined): ConstraintCheck {
  const pattern = typeof value === "string" ? compileHostPattern(value, "allow") : "";
  return onHosts("domain_glob", typeof pattern === "string" ? null : (host) => pattern.matches(host));
}

function onHosts(type: string, matches: ((host: string) => boolean) | null): ConstraintCheck {
  if (matches === null) return () => `${type} has no usable domain`;
  return (subject) => {
    const hosts = hostsOf(subject);
    if (hosts === null) return `${type}: the call names a host that cannot be read in one way`;
    if (hosts.length === 0) return `${type}: the call names no host`;
    return hosts.every(matches) ? null : `${type}: the call names another host`;
  };
}

const URL_KEYS = new Set(["url", "uri", "host", "hostname", "domain", "endpoint", "href", "origin", "base_url", "baseurl"]);

/**
 * Every host in the arguments: under a URL-like key, around any `://`, and every text that reads as a bare host. null when one of them is written
 * so that two URL readers could disagree about its host. A proxied request names none: its upstream is fixed.
 */
function hostsOf(subject: ConstraintSubject): string[] | null {
  if (subject.kind === "http") return [];
  const hosts: string[] = [];
  for (const { key, value } of stringLeaves(subject)) {
    for (const url of urlsIn(value.trim(), key !== undefined && URL_KEYS.has(key.toLowerCase()))) {
      const target = hostAndPort(url);
      if (target === null) return null;
      hosts.push(target.host);
    }
  }
  return hosts;
}

function urlsIn(text: string, isUrl: boolean): string[] {
  if (isUrl || /^(\/\/|\\\\|(https?|wss?|ftp):)/i.test(text)) return [text];
  if (text.includes("://")) return text.match(/[a-z0-9+.-]*:\/\/[^\s"'<>]*/gi) ?? [text];
  const bare = /[.[]|^localhost/i.test(text.split(/[/?#]/, 1)[0]!);
  return bare && hostAndPort(text) !== null ? [text] : [];
}
