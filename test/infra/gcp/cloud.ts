import * as pulumi from "@pulumi/pulumi";

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
}

export interface StandIn {
  readonly declared: Declared[];
  of(type: string): Declared[];
  one(type: string): Declared;
}

/**
 * Stands in for Google Cloud and Pulumi's engine. The SDK in front of it is the real one. Resources get the outputs that the cloud would
 * give, or, in a preview, none.
 */
export async function standIn(options: { preview?: boolean } = {}): Promise<StandIn> {
  const declared: Declared[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        const plain = unwrap(inputs, false) as Record<string, never>;
        declared.push({ type, name, inputs: plain, shown: unwrap(inputs, true) as Record<string, never>, order: declared.length });
        return { id: `${name}-id`, state: { ...inputs, ...(options.preview === true ? {} : computed(type, name, plain)) } };
      },
      call: () => {
        throw new Error("no function of a provider is expected to be called");
      },
    },
    "project",
    "stack",
    options.preview ?? false,
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

function computed(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case TYPES.service:
      return { uri: `https://${inputs.name}-abc-uc.a.run.app`, latestReadyRevision: `${inputs.name}-00001-abc`, project: "team" };
    case TYPES.account:
      return { email: `${inputs.accountId}@team.iam.gserviceaccount.com`, name };
    case "gcp:secretmanager/secret:Secret":
      return { name: `projects/1/secrets/${inputs.secretId}` };
    case "gcp:secretmanager/secretVersion:SecretVersion":
      return { name: `projects/1/secrets/${name}/versions/1`, version: "1" };
    default:
      return {};
  }
}

export const TYPES = {
  service: "gcp:cloudrunv2/service:Service",
  account: "gcp:serviceaccount/account:Account",
  invoker: "gcp:cloudrunv2/serviceIamMember:ServiceIamMember",
  secretReader: "gcp:secretmanager/secretIamMember:SecretIamMember",
  bucketMember: "gcp:storage/bucketIAMMember:BucketIAMMember",
  tableMember: "gcp:bigquery/iamMember:IamMember",
} as const;

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
