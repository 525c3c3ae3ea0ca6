import { randomUUID } from "node:crypto";
import { parse } from "yaml";
import { encodeBearer } from "../../../sidecar/wire/bearer.ts";
import { CAPABILITY_SCHEMA, issueCapability } from "../../../sidecar/wire/capability.ts";
import { Keypair, parseSeed } from "../../../sidecar/wire/keys.ts";
import { subjectKeypair } from "../../../sidecar/wire/subject.ts";
import type { PlatformTopology } from "../../topology/index.ts";

const LIFETIME_SECONDS = 8 * 3600;

/** A capability for everything that the service has, as it goes after `Authorization: Bearer`. Signed with the sidecar's own key, which it trusts. */
export function readyMadeCapability(graph: PlatformTopology, seedText: string, now: number): { bearer: string; expiresAt: number } {
  const seed = parseSeed(seedText);
  const issuer = Keypair.fromSeed(seed);
  seed.fill(0);
  try {
    const issuedAt = Math.floor(now / 1000);
    const server = graph.mode.kind === "api-protect" ? "http" : graph.mode.serverId;
    const token = issueCapability(
      {
        schema: CAPABILITY_SCHEMA,
        id: `cap-${randomUUID()}`,
        issuer: issuer.publicKeyHex,
        subject: subjectKeypair("chio-kit up").publicKeyHex,
        scope: { grants: [{ server_id: server, tool_name: "*", operations: ["invoke"] }] },
        issued_at: issuedAt,
        expires_at: issuedAt + LIFETIME_SECONDS,
      },
      issuer,
    );
    return { bearer: encodeBearer(token), expiresAt: issuedAt + LIFETIME_SECONDS };
  } finally {
    issuer.wipe();
  }
}

/** A line that can be pasted into a POSIX shell. `bearer` null: without a capability. */
export function curlLine(url: string, request: SampleRequest, bearer: string | null): string {
  return [
    "curl -i",
    ...(request.method === "GET" ? [] : [`-X ${request.method}`]),
    ...(bearer === null ? [] : [`-H ${quote(`Authorization: Bearer ${bearer}`)}`]),
    ...(request.body === null
      ? []
      : [
          `-H ${quote("Content-Type: application/json")}`,
          `-H ${quote("Accept: application/json, text/event-stream")}`,
          `-d ${quote(request.body)}`,
        ]),
    quote(`${url}${request.path}`),
  ].join(" ");
}

export interface SampleRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | null;
}

/** A request that the service has and that changes nothing: from its OpenAPI document where that is known. */
export function sampleRequest(graph: PlatformTopology, spec: string | null): SampleRequest {
  const { mode } = graph;
  if (mode.kind === "mcp-serve-http") {
    if (mode.command.length === 0)
      return { method: "POST", path: "/invoke", body: JSON.stringify({ tool: "echo", arguments: { text: "hello" } }) };
    return { method: "POST", path: "/mcp", body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }) };
  }
  return { method: "GET", path: spec === null ? "/" : (samplePath(spec) ?? "/"), body: null };
}

/** The simplest GET: protected before public, without parameters before with. Null when the document has none or cannot be read. */
function samplePath(spec: string): string | null {
  let document: unknown;
  try {
    document = parse(spec);
  } catch {
    return null;
  }
  const paths = record(record(document)?.paths);
  const candidates = Object.entries(paths ?? {}).flatMap(([path, item]) => {
    const get = record(record(item)?.get);
    if (get === null) return [];
    const parameters = (path.match(/\{[^}]*\}/g) ?? []).length;
    const open = get["x-chio-sensitivity"] === "public" || get["x-chio-side-effects"] === false;
    return [{ path, rank: (open ? 100 : 0) + parameters * 10 + (requiresQuery(record(item), get) ? 50 : 0) }];
  });
  const best = candidates.toSorted((a, b) => a.rank - b.rank)[0];
  return best === undefined ? null : best.path.replace(/\{[^}]*\}/g, "1");
}

function requiresQuery(item: Record<string, unknown> | null, operation: Record<string, unknown>): boolean {
  const listed = [item?.parameters, operation.parameters].flatMap((one) => (Array.isArray(one) ? one : []));
  return listed.some((one) => record(one)?.required === true && record(one)?.in !== "path");
}

const record = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
