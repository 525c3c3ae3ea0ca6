import { setting } from "./setting.ts";
import type { Limits } from "./types.ts";
import { bytes, integer, milliseconds } from "./values.ts";

/** Bytes and milliseconds; what the proxy takes when nobody says otherwise. */
export const DEFAULT_LIMITS: Limits = {
  maxHeaderBytes: 16_384,
  maxHeaderCount: 100,
  maxTargetBytes: 8_192,
  maxBodyBytes: 10 * 1024 ** 2,
  maxConnections: 2_048,
  maxConcurrentRequests: 1_024,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  idleTimeoutMs: 75_000,
  upstreamConnectTimeoutMs: 5_000,
  upstreamTimeoutMs: 300_000,
  maxQueryParameters: 256,
};

const count = (key: keyof Limits, max: number, env: string, doc: string) =>
  setting({ group: "Limits", env: [env], yaml: yamlPath(key), parse: integer(1, max), default: DEFAULT_LIMITS[key], doc });
const size = (key: keyof Limits, min: number, max: number, env: string, doc: string) =>
  setting({ group: "Limits", env: [env], yaml: yamlPath(key), parse: bytes(min, max), default: DEFAULT_LIMITS[key], doc });
const time = (key: keyof Limits, env: string, doc: string) =>
  setting({ group: "Limits", env: [env], yaml: yamlPath(key), parse: milliseconds(1, 86_400_000), default: DEFAULT_LIMITS[key], doc });

export const LIMIT_SETTINGS = {
  maxHeaderBytes: size("maxHeaderBytes", 1_024, 1024 ** 2, "CHIO_MAX_HEADER_BYTES", "Header block of a request, bytes; more is 431"),
  maxHeaderCount: count("maxHeaderCount", 10_000, "CHIO_MAX_HEADER_COUNT", "Headers of a request; more is 431"),
  maxTargetBytes: size("maxTargetBytes", 64, 65_536, "CHIO_MAX_TARGET_BYTES", "Path and query, bytes; more is 414"),
  maxQueryParameters: count("maxQueryParameters", 10_000, "CHIO_MAX_QUERY_PARAMETERS", "Query parameters; more is 400"),
  maxBodyBytes: size("maxBodyBytes", 0, 2 ** 40, "CHIO_MAX_BODY_BYTES", "Body of a request, bytes; more is 413"),
  maxConnections: count("maxConnections", 1_000_000, "CHIO_MAX_CONNECTIONS", "Open connections"),
  maxConcurrentRequests: count("maxConcurrentRequests", 1_000_000, "CHIO_MAX_CONCURRENT_REQUESTS", "Requests at work; more is 503"),
  headerTimeoutMs: time("headerTimeoutMs", "CHIO_HEADER_TIMEOUT_MS", "Time for the headers of a request"),
  bodyTimeoutMs: time("bodyTimeoutMs", "CHIO_BODY_TIMEOUT_MS", "Time between two pieces of a body"),
  idleTimeoutMs: time("idleTimeoutMs", "CHIO_IDLE_TIMEOUT_MS", "Time that a connection without a request stays open"),
  upstreamConnectTimeoutMs: time("upstreamConnectTimeoutMs", "CHIO_UPSTREAM_CONNECT_TIMEOUT_MS", "Time to reach the app"),
  upstreamTimeoutMs: time("upstreamTimeoutMs", "CHIO_UPSTREAM_TIMEOUT_MS", "Time for the first byte of the app's answer"),
} as const;

/** `maxHeaderBytes` is `limits.max_header_bytes`. */
function yamlPath(key: string): string {
  return `limits.${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}
