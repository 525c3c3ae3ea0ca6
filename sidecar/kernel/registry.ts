import { isObject, isU64 } from "../wire/fields.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type { Money } from "../wire/types.ts";
import { RESERVED_SERVERS } from "./binding.ts";
import { KernelError } from "./errors.ts";

/** What a handler is told about the call that it serves, and what it may ask for. */
export interface CallContext {
  readonly requestId: string;
  readonly sessionId: string;
  /** Public key of the agent, 64 hex. */
  readonly agentKey: string;
  readonly tenantId: string | undefined;
  /** Aborted when the caller gives up, the session is closed or a stream passes its limits. */
  readonly signal: AbortSignal;
  /** Asks the agent's model for a completion. Rejects with KernelError unless `allowSampling` (with tools, also `allowSamplingToolUse`) is set. */
  sample(request: JsonObject): Promise<Json>;
  /** Asks the agent's user for input. Rejects with KernelError unless `allowElicitation` is set. */
  elicit(request: JsonObject): Promise<Json>;
}

export type ToolResult = Json | AsyncIterable<Json>;

export interface Tool {
  /** `args` is a copy that nobody else holds. An async iterable is passed on chunk by chunk, within the kernel's stream limits. */
  invoke(args: Json, context: CallContext): ToolResult | Promise<ToolResult>;
  /** False for a tool that only reads: then its decision is not written ahead of the call. Default true. */
  sideEffects?: boolean;
  /** What one call costs, in minor units; see `Call.cost`. */
  cost?: { units: Money["units"]; currency?: string };
}

export interface ToolServer {
  /** As grants name it. `http` and `chio_http_authority` are reserved for routes, `resources` and `prompts` for receipts. */
  readonly id: string;
  /** By tool name. */
  readonly tools: Readonly<Record<string, Tool>>;
}

export interface ResourceProvider {
  readonly name: string;
  /** True for a URI that this provider serves. The first registered one that says so is asked. */
  handles(uri: string): boolean;
  read(uri: string, context: CallContext): Json | Promise<Json>;
}

export interface PromptProvider {
  readonly name: string;
  /** Names of its prompts. */
  readonly prompts: readonly string[];
  get(name: string, args: Json, context: CallContext): Json | Promise<Json>;
}

const RESERVED = new Set([...RESERVED_SERVERS, "resources", "prompts", "*"]);

/** Servers and providers, by name; fixed once the kernel serves. */
export class Registry {
  readonly #servers = new Map<string, ReadonlyMap<string, Tool>>();
  readonly #resources = new Map<string, ResourceProvider>();
  readonly #prompts = new Map<string, PromptProvider>();

  addToolServer(server: ToolServer): void {
    const id = name(server?.id, "tool server id");
    if (RESERVED.has(id)) throw invalid(`tool server id ${JSON.stringify(id)} is reserved`, "give the server another id");
    if (this.#servers.has(id)) throw duplicate("tool server", id);
    const tools = new Map<string, Tool>();
    for (const [toolName, tool] of Object.entries(server.tools ?? {})) {
      name(toolName, `tool name of server ${id}`);
      if (toolName === "*") throw invalid("a tool cannot be named *", "give the tool a name: * stands for all tools in grants");
      if (typeof tool?.invoke !== "function") throw invalid(`tool ${toolName} of server ${id} has no invoke function`, "give it one");
      if (tool.cost !== undefined && !isCost(tool.cost)) {
        throw invalid(
          `the cost of tool ${toolName} of server ${id} is no amount`,
          "give units as a whole number of 64 bits, and a currency or none",
        );
      }
      tools.set(toolName, tool);
    }
    if (tools.size === 0) throw invalid(`tool server ${id} has no tools`, "give it at least one");
    this.#servers.set(id, tools);
  }

  addResourceProvider(provider: ResourceProvider): void {
    const id = name(provider?.name, "resource provider name");
    if (this.#resources.has(id)) throw duplicate("resource provider", id);
    if (typeof provider.handles !== "function" || typeof provider.read !== "function") {
      throw invalid(`resource provider ${id} lacks handles or read`, "give it both");
    }
    this.#resources.set(id, provider);
  }

  addPromptProvider(provider: PromptProvider): void {
    const id = name(provider?.name, "prompt provider name");
    if (this.#prompts.has(id)) throw duplicate("prompt provider", id);
    if (typeof provider.get !== "function" || !Array.isArray(provider.prompts) || provider.prompts.length === 0) {
      throw invalid(`prompt provider ${id} lacks prompts or get`, "give it both");
    }
    for (const prompt of provider.prompts) {
      if (this.prompt(name(prompt, `prompt name of ${id}`)) !== undefined) throw duplicate("prompt", prompt);
    }
    this.#prompts.set(id, provider);
  }

  tool(server: string, tool: string): Tool | undefined {
    return this.#servers.get(server)?.get(tool);
  }

  resource(uri: string): ResourceProvider | undefined {
    for (const provider of this.#resources.values()) if (provider.handles(uri) === true) return provider;
    return undefined;
  }

  prompt(promptName: string): PromptProvider | undefined {
    for (const provider of this.#prompts.values()) if (provider.prompts.includes(promptName)) return provider;
    return undefined;
  }
}

function isCost(cost: unknown): boolean {
  if (!isObject(cost)) return false;
  return isU64(cost.units) && (cost.currency === undefined || (typeof cost.currency === "string" && cost.currency !== ""));
}

function name(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "" || value.length > 256 || /[\u0000-\u001f\u007f]/.test(value)) {
    throw invalid(`${what} must be 1 to 256 characters without control characters`, "give it a name");
  }
  return value;
}

function invalid(message: string, fix: string): KernelError {
  return new KernelError("kernel_option_invalid", message, { fix });
}

function duplicate(kind: string, id: string): KernelError {
  return new KernelError("kernel_duplicate_registration", `${kind} ${JSON.stringify(id)} is already registered`, {
    fix: "register each name once",
  });
}
