import { compileHostPattern, type HostPattern, isInternalHost, isIpAddress } from "../policy/host.ts";
import type { GuardSettings } from "../policy/types.ts";
import type { Json } from "../wire/json.ts";
import { defineGuard } from "./define.ts";
import type { Guard, GuardInput, GuardVerdict } from "./types.ts";
import { unusable } from "./unusable.ts";
import { hostAndPort } from "./url-host.ts";

/**
 * Denies network calls to hosts that are not allowed. The block list beats the allow list. Addresses and internal names (loopback, private ranges,
 * metadata services, names without a dot) are only allowed when an entry without a wildcard names them: neither `*` nor `default: allow` does.
 */
export function egressAllowlistGuard(settings: NonNullable<GuardSettings["egress_allowlist"]>): Guard {
  const allow = settings.allow.map((source) => hostPattern(source, "allow"));
  const block = settings.block.map((source) => hostPattern(source, "block"));
  const verdict = (host: string): GuardVerdict => {
    const blocking = block.find((pattern) => pattern.matches(host));
    if (blocking !== undefined) return { allow: false, details: `host ${host} is blocked by ${blocking.source}` };
    const allowing = allow.filter((pattern) => pattern.matches(host));
    if ((isIpAddress(host) || isInternalHost(host)) && !allowing.some((pattern) => pattern.exact)) {
      return { allow: false, details: `host ${host} is an address or an internal name that no entry names exactly` };
    }
    if (allowing.length > 0 || settings.default === "allow") return { allow: true };
    return { allow: false, details: `host ${host} is not on the allow list` };
  };
  const check = (input: GuardInput): GuardVerdict => {
    for (const host of destinations(input)) {
      if (host === null) return { allow: false, details: "a URL does not name one host without doubt" };
      const answer = verdict(host);
      if (!answer.allow) return answer;
    }
    return { allow: true };
  };
  return defineGuard("egress-allowlist", check);
}

/** Hosts that the call would reach; null for a URL that cannot be read one way only. */
function destinations(input: GuardInput): (string | null)[] {
  const { action } = input;
  if (action.kind === "network_egress") return [action.host, ...urlArguments(input.arguments)];
  if (action.kind !== "browser_action") return [];
  // A browser goes where it is told, or follows a link inside the page. Its target may also be a selector, which has no scheme.
  const targets = urlArguments(input.arguments, (url) => /^(?:[#?]|\/(?!\/)|about:blank$)/i.test(url));
  if (action.target !== undefined && /^\s*(?:[a-z][a-z0-9+.-]*:)?\/\//i.test(action.target)) targets.push(urlHost(action.target));
  return targets;
}

/** Hosts of every argument that is spelled `url`, `uri` or `href`: the tool may use another one than the one that classified the call. */
function urlArguments(args: Json, staysHere: (url: string) => boolean = () => false): (string | null)[] {
  if (args === null || typeof args !== "object" || Array.isArray(args)) return [];
  return Object.entries(args).flatMap(([key, value]) => {
    if (!/^(?:url|uri|href)s?$/i.test(key)) return [];
    const values = Array.isArray(value) ? value : [value];
    return values
      .filter((item) => typeof item !== "string" || !staysHere(item))
      .map((item) => (typeof item === "string" ? urlHost(item) : null));
  });
}

function urlHost(url: string): string | null {
  return hostAndPort(url)?.host ?? null;
}

function hostPattern(source: string, mode: "allow" | "block"): HostPattern {
  const pattern = compileHostPattern(source, mode);
  if (typeof pattern === "string") throw unusable("egress_allowlist", `${source} ${pattern}`);
  return pattern;
}
