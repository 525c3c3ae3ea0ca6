import { DEFAULTS } from "../topology/defaults.ts";
import { isDeferred } from "../topology/deferred.ts";
import { type PolicySource, parsePolicySource } from "../topology/policy-source.ts";
import { isRemoteSink, parseReceiptSink, type ReceiptSink } from "../topology/receipt-sink.ts";
import { flagValue } from "../topology/rules/rule.ts";
import type { ApiProtectMode, Container, McpServeHttpMode, Receipts, SidecarMode, Volume } from "../topology/types.ts";
import type { At } from "./at.ts";
import type { ReadContainer, Reading } from "./reading.ts";

/** What the sidecar is told, by flag or variable. A flag wins. */
export class SidecarWords {
  readonly #container: Container;
  readonly #read: ReadContainer;

  constructor(read: ReadContainer) {
    this.#read = read;
    this.#container = read.container;
  }

  get(flag: string, variable?: string): string | undefined {
    return flagValue(this.#container.args ?? [], flag) ?? (variable === undefined ? undefined : this.#container.env[variable]);
  }

  has(flag: string): boolean {
    return (this.#container.args ?? []).some((arg) => arg === flag || arg.startsWith(`${flag}=`));
  }

  /** Where it is said; the container where it is not. */
  at(flag: string, variable?: string): At {
    const { fields, at } = this.#read;
    const value = flagValue(this.#container.args ?? [], flag);
    if (value !== undefined) {
      const index = (this.#container.args ?? []).findLastIndex((arg) => arg === value || arg === `${flag}=${value}`);
      return fields.args?.get(index) ?? at;
    }
    return (variable === undefined ? undefined : fields[`env.${variable}`]) ?? fields.args ?? at;
  }
}

/** What the sidecar does. Where its command cannot be read, `api protect`, and a rule says what is wrong with the command. */
export function readMode(words: SidecarWords, args: readonly string[] | null, reading: Reading): SidecarMode {
  if (args?.[0] === "mcp") return mcpMode(words, args);
  const upstream = words.get("--upstream", "CHIO_UPSTREAM");
  const at = words.at("--upstream", "CHIO_UPSTREAM");
  reading.place("mode.upstream", at);
  reading.place("mode.policy", words.at("--policy"));
  reading.place("mode.spec", words.at("--spec", "CHIO_SPEC"));
  if (upstream === undefined) reading.ask(["CHIO-UPSTREAM"], at, "the upstream is not said here; kernel.yaml may name it");
  else if (isDeferred(upstream)) reading.ask(["CHIO-UPSTREAM"], at, "the upstream is known only when it is deployed");
  const mode: ApiProtectMode = {
    kind: "api-protect",
    upstream: upstream ?? `http://127.0.0.1:${DEFAULTS.app.port}`,
    spec: words.get("--spec", "CHIO_SPEC") ?? null,
    policy: words.get("--policy") ?? null,
    extraArgs: [],
  };
  return mode;
}

function mcpMode(words: SidecarWords, args: readonly string[]): McpServeHttpMode {
  const end = args.indexOf("--");
  return {
    kind: "mcp-serve-http",
    serverId: words.get("--server-id") ?? "",
    serverName: words.get("--server-name") ?? null,
    policy: words.get("--policy") ?? words.get("--policy", "CHIO_POLICY_SOURCE") ?? "",
    command: end < 0 ? [] : args.slice(end + 1),
    extraArgs: [],
  };
}

export function readPolicySource(words: SidecarWords, reading: Reading): PolicySource | null {
  const text = words.get("", "CHIO_POLICY_SOURCE");
  const at = words.at("", "CHIO_POLICY_SOURCE");
  reading.place("policySource", at);
  if (text === undefined || text.trim() === "") return null;
  try {
    return parsePolicySource(known(text));
  } catch (error) {
    unread(reading, ["CHIO-CONFIG-DELIVERY"], at, text, error);
    return null;
  }
}

/** Where receipts go. What is silent here may be said in kernel.yaml. */
export function readReceipts(words: SidecarWords, sidecar: Container, volumes: readonly Volume[], reading: Reading): Receipts {
  const sinks = readSinks(words, reading);
  const ephemeral = words.has("--allow-ephemeral-receipts") || words.get("", "CHIO_ALLOW_EPHEMERAL_RECEIPTS")?.toLowerCase() === "true";
  const acknowledge = words.get("--receipt-acknowledge", "CHIO_RECEIPT_ACKNOWLEDGE");
  reading.place("receipts", words.at("--receipt-sink", "CHIO_RECEIPT_SINK"));
  reading.place("receipts.acknowledge", words.at("--receipt-acknowledge", "CHIO_RECEIPT_ACKNOWLEDGE"));
  return {
    sinks,
    acknowledge:
      acknowledge === "sink" || (acknowledge === undefined && sinks !== UNKNOWN_SINK && sinks.some(isRemoteSink)) ? "sink" : "ledger",
    store: readStore(words, sidecar, volumes, ephemeral, reading),
  };
}

/** Stands for a sink that is not known: no rule objects to it, whatever answers wait for. */
const UNKNOWN_SINK: readonly ReceiptSink[] = [{ kind: "https", url: "https://unknown.invalid/" }];

function unknownSink(reading: Reading): readonly ReceiptSink[] {
  reading.suppose("CHIO-PROBE-SINKS", "whether there is a remote receipt sink is not in this document");
  return UNKNOWN_SINK;
}

function readSinks(words: SidecarWords, reading: Reading): readonly ReceiptSink[] {
  const text = words.get("--receipt-sink", "CHIO_RECEIPT_SINK");
  const at = words.at("--receipt-sink", "CHIO_RECEIPT_SINK");
  if (text === undefined || text.trim() === "") {
    reading.ask(
      ["CHIO-RECEIPTS-LOST"],
      at,
      "no receipt sink is named here; if kernel.yaml names none either, receipts end with the replica",
    );
    return unknownSink(reading);
  }
  const parts = text.split(",").map((part) => part.trim());
  try {
    return parts.map((part) => parseReceiptSink(known(part)));
  } catch (error) {
    unread(reading, ["CHIO-RECEIPTS-LOST"], at, text, error);
    return unknownSink(reading);
  }
}

function readStore(
  words: SidecarWords,
  sidecar: Container,
  volumes: readonly Volume[],
  ephemeral: boolean,
  reading: Reading,
): string | null {
  const said = words.get("--receipt-store", "CHIO_RECEIPT_STORE") ?? words.get("--receipt-db");
  const at = words.at(words.has("--receipt-db") ? "--receipt-db" : "--receipt-store", "CHIO_RECEIPT_STORE");
  reading.place("receipts.store", at);
  if (said !== undefined && !isDeferred(said)) return said;
  const held = sidecar.mounts.some(
    (mount) => DEFAULTS.sidecar.store.startsWith(`${mount.path}/`) && volumes.some(({ name }) => name === mount.volume),
  );
  if (held) return DEFAULTS.sidecar.store;
  if (!ephemeral)
    reading.ask(
      ["CHIO-STORE-PLACE"],
      at,
      "the place of the receipt store is not said here, and no volume holds the program's own; see kernel.yaml",
    );
  return null;
}

/** A value that is not known yet, as a name of the same form. */
function known(text: string): string {
  return text.replace(/\$\{[^}]*\}/g, "unresolved");
}

function unread(reading: Reading, codes: readonly string[], at: At, text: string, error: unknown): void {
  if (isDeferred(text)) reading.ask(codes, at, "the value is known only when it is deployed");
  else reading.wrong(at, error instanceof Error ? error.message : String(error));
}
