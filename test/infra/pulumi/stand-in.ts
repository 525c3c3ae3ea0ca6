import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";

/** Pulumi's mark of a secret in what is sent to a provider. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";

export interface Declared {
  readonly type: string;
  readonly name: string;
  /** As sent, secrets unwrapped. */
  readonly inputs: Record<string, never>;
  /** The same, with "[secret]" where a secret is. */
  readonly shown: Record<string, never>;
  /** Place in the order of declaration. */
  readonly order: number;
  /** Pulumi refuses to delete it. */
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** URNs of what has to be there before it. */
  readonly dependsOn: readonly string[];
}

export interface StandIn {
  readonly declared: Declared[];
  of(type: string): Declared[];
  one(type: string): Declared;
}

/** What was asked of the engine beside the inputs: the mocks are not told. */
const requests = new Map<string, Registration>();
const register = MockMonitor.prototype.registerResource;
MockMonitor.prototype.registerResource = function (request: Registration, callback) {
  requests.set(`${request.getType()} ${request.getName()}`, request);
  return register.call(this, request, callback);
};

export interface StandInOptions {
  readonly preview?: boolean;
  /** What the cloud adds to a resource's inputs. */
  readonly computed: (type: string, name: string, inputs: Record<string, unknown>) => Record<string, unknown>;
  /** Id that the cloud gives. @default one made from the name */
  readonly id?: (type: string, name: string, inputs: Record<string, unknown>) => string;
  /** Functions of the provider. @default none is expected to be called */
  readonly call?: (token: string, inputs: Record<string, unknown>) => Record<string, unknown>;
}

interface Registration {
  getType(): string;
  getName(): string;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDependenciesList(): string[];
}

/**
 * Stands in for a cloud and Pulumi's engine. The SDK in front of it is the real one. Resources get the outputs that the cloud would
 * give, or, in a preview, none.
 */
export async function standInFor(options: StandInOptions): Promise<StandIn> {
  const declared: Declared[] = [];
  const { preview = false, computed, id, call } = options;
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        const plain = unwrap(inputs, false) as Record<string, never>;
        const shown = unwrap(inputs, true) as Record<string, never>;
        const asked = requests.get(`${type} ${name}`);
        declared.push({
          type,
          name,
          inputs: plain,
          shown,
          order: declared.length,
          protect: asked?.getProtect() ?? false,
          retainOnDelete: asked?.getRetainondelete() ?? false,
          dependsOn: asked?.getDependenciesList() ?? [],
        });
        return { id: id?.(type, name, plain) ?? `${name}-id`, state: { ...inputs, ...(preview ? {} : computed(type, name, plain)) } };
      },
      call: ({ token, inputs }) => {
        if (call === undefined) throw new Error("no function of a provider is expected to be called");
        return call(token, unwrap(inputs, false) as Record<string, unknown>);
      },
    },
    "project",
    "stack",
    preview,
  );
  const of = (type: string) => declared.filter((one) => one.type === type);
  return {
    declared,
    of,
    one(type) {
      const [only, ...more] = of(type);
      if (only === undefined || more.length > 0)
        throw new Error(`${of(type).length} resources of type ${type}: ${of(type).map((one) => one.name)}`);
      return only;
    },
  };
}

function unwrap(value: unknown, hide: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => unwrap(item, hide));
  if (value === null || typeof value !== "object") return value;
  if (Object.hasOwn(value, SIGNATURE) && "value" in value) return hide ? "[secret]" : unwrap(value.value, hide);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unwrap(item, hide)]));
}

/** The value of an output that becomes known. */
export function known<T>(output: pulumi.Output<T>): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    output.apply((value) => resolve(value as pulumi.Unwrap<T>));
  });
}

/** Waits until everything that the program declared has been registered, with its outputs. */
export async function settled(): Promise<void> {
  await pulumi.runtime.disconnect();
}

/** An output that a preview does not know. */
export function unknown<T>(): pulumi.Output<T> {
  const Constructor = pulumi.Output as unknown as new (...parts: unknown[]) => pulumi.Output<T>;
  return new Constructor(new Set(), Promise.resolve(undefined), Promise.resolve(false), Promise.resolve(false), Promise.resolve(new Set()));
}
