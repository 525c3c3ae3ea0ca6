import { isDeferred } from "./deferred.ts";

/** Where a secret's value is kept. A reference only: the model never holds a value. */
export type SecretRef =
  | {
      readonly kind: "aws-secrets-manager";
      readonly arn: string;
      /** JSON field of the secret, when its value is an object. */
      readonly field: string | null;
      readonly versionStage: string | null;
      readonly versionId: string | null;
    }
  | { readonly kind: "aws-ssm-parameter"; readonly arn: string }
  /** `project` null: the project of the service. `version`: a number, or `latest` (never for the signing key). */
  | { readonly kind: "gcp-secret-manager"; readonly project: string | null; readonly secret: string; readonly version: string }
  /** Without a version in it, the URI means the current one; the platform follows it within 30 minutes. */
  | { readonly kind: "azure-key-vault"; readonly uri: string }
  /** A file on the machine that runs the topology. */
  | { readonly kind: "file"; readonly path: string }
  /** A variable in the environment of whoever runs the topology. */
  | { readonly kind: "environment"; readonly variable: string };
export type SecretKind = SecretRef["kind"];

const AWS_SECRET = /^arn:(aws[a-z-]*):secretsmanager:([^:]*):([^:]*):secret:([^:]+)(?::([^:]*):([^:]*):([^:]*))?$/;
const AWS_PARAMETER = /^arn:aws[a-z-]*:ssm:[^:]*:[^:]*:parameter\/?[^:]+$/;
const GCP_SECRET = /^(?:projects\/([^/]+)\/)?secrets\/([A-Za-z0-9_-]{1,255})\/versions\/([0-9]+|latest)$/;
const KEY_VAULT_HOST = /^[a-z0-9-]{3,24}\.vault\.(azure\.net|azure\.cn|usgovcloudapi\.net)$/;
const KEY_VAULT_PATH = /^\/secrets\/([A-Za-z0-9-]{1,127})(?:\/([0-9a-f]{32}))?\/?$/;

/**
 * Reads a reference. Throws `TypeError` naming the forms it takes:
 * `arn:aws:secretsmanager:…`, `arn:aws:ssm:…:parameter/…`, `projects/P/secrets/S/versions/7`, `secrets/S/versions/7`,
 * `https://VAULT.vault.azure.net/secrets/S[/VERSION]`, `file:PATH`, `env:NAME`.
 */
export function parseSecretRef(text: string): SecretRef {
  if (text.startsWith("file:")) {
    const path = text.slice("file:".length).replace(/^\/\/(?=\/)/, "");
    if (path === "" || path.includes("\0")) throw new TypeError(`secret reference ${JSON.stringify(text)} names no file`);
    return { kind: "file", path };
  }
  if (text.startsWith("env:")) {
    const variable = text.slice("env:".length);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable))
      throw new TypeError(`secret reference ${JSON.stringify(text)} names no environment variable`);
    return { kind: "environment", variable };
  }
  const aws = AWS_SECRET.exec(text);
  if (aws !== null) {
    const suffix = aws[5] === undefined ? "" : text.slice(0, text.length - `:${aws[5]}:${aws[6]}:${aws[7]}`.length);
    return {
      kind: "aws-secrets-manager",
      arn: suffix === "" ? text : suffix,
      field: aws[5] || null,
      versionStage: aws[6] || null,
      versionId: aws[7] || null,
    };
  }
  if (AWS_PARAMETER.test(text)) return { kind: "aws-ssm-parameter", arn: text };
  const gcp = GCP_SECRET.exec(text);
  if (gcp !== null) return { kind: "gcp-secret-manager", project: gcp[1] ?? null, secret: gcp[2] ?? "", version: gcp[3] ?? "" };
  const vault = keyVault(text);
  if (vault !== null) return vault;
  throw new TypeError(
    `secret reference ${shown(text)} has no known form; use an ARN of Secrets Manager or SSM, "projects/P/secrets/S/versions/N", a Key Vault secret URL, "file:PATH" or "env:NAME"`,
  );
}

/** The text that `parseSecretRef` reads back to the same reference. */
export function formatSecretRef(ref: SecretRef): string {
  switch (ref.kind) {
    case "aws-secrets-manager":
      return ref.field === null && ref.versionStage === null && ref.versionId === null
        ? ref.arn
        : `${ref.arn}:${ref.field ?? ""}:${ref.versionStage ?? ""}:${ref.versionId ?? ""}`;
    case "aws-ssm-parameter":
      return ref.arn;
    case "gcp-secret-manager":
      return `${ref.project === null ? "" : `projects/${ref.project}/`}secrets/${ref.secret}/versions/${ref.version}`;
    case "azure-key-vault":
      return ref.uri;
    case "file":
      return `file:${ref.path}`;
    case "environment":
      return `env:${ref.variable}`;
  }
}

/** True when both name the same stored secret, whatever version or field. */
export function sameSecret(a: SecretRef, b: SecretRef): boolean {
  const [one, other] = [identity(a), identity(b)];
  if (one === other) return true;
  // An ARN of Secrets Manager may lack the six random characters that end it.
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  return short.startsWith("aws-secret:") && long.startsWith(`${short}-`) && /^[A-Za-z0-9]{6}$/.test(long.slice(short.length + 1));
}

/** Region and account are left out: a replica has the same value, and one that is written out is the same as one that is not known yet. */
const AWS_IDENTITY =
  /^arn:(?:\$\{[^}]*\}|[^:])*:(secretsmanager|ssm):(?:\$\{[^}]*\}|[^:])*:(?:\$\{[^}]*\}|[^:])*:(?:secret:|parameter\/?)([^:]+)$/;

function identity(ref: SecretRef): string {
  switch (ref.kind) {
    case "aws-secrets-manager":
    case "aws-ssm-parameter": {
      const named = AWS_IDENTITY.exec(ref.arn);
      return named === null ? ref.arn : `${named[1] === "ssm" ? "aws-parameter" : "aws-secret"}:${named[2]}`;
    }
    case "gcp-secret-manager":
      return `gcp:${ref.secret}`;
    case "azure-key-vault":
      return ref.uri.toLowerCase().replace(/(?:\/[0-9a-f]{32})?\/?$/, "");
    case "file":
      return `file:${ref.path}`;
    case "environment":
      return `env:${ref.variable}`;
  }
}

function keyVault(text: string): SecretRef | null {
  return keyVaultParts(text) === null ? null : { kind: "azure-key-vault", uri: text };
}

/** Vault, secret and version in a Key Vault secret URI. Null when it is none, or not known yet. */
export function keyVaultParts(uri: string): { vaultUrl: string; secret: string; version: string | null } | null {
  if (!uri.startsWith("https://") || isDeferred(uri) || !URL.canParse(uri)) return null;
  const url = new URL(uri);
  const path = KEY_VAULT_PATH.exec(url.pathname);
  if (!KEY_VAULT_HOST.test(url.hostname) || path === null || url.search !== "" || url.hash !== "" || url.port !== "" || url.username !== "")
    return null;
  return { vaultUrl: url.origin, secret: path[1] ?? "", version: path[2] ?? null };
}

/** A secret of AWS Secrets Manager by ARN, or one JSON field of it. */
export function awsSecret(arn: string, options: { field?: string; versionStage?: string; versionId?: string } = {}): SecretRef {
  return {
    kind: "aws-secrets-manager",
    arn,
    field: options.field ?? null,
    versionStage: options.versionStage ?? null,
    versionId: options.versionId ?? null,
  };
}

export function ssmParameter(arn: string): SecretRef {
  return { kind: "aws-ssm-parameter", arn };
}

/** A version of a Secret Manager secret, in the service's project unless another is named. */
export function gcpSecret(secret: string, version: string | number, project: string | null = null): SecretRef {
  return { kind: "gcp-secret-manager", project, secret, version: String(version) };
}

export function keyVaultSecret(uri: string): SecretRef {
  return { kind: "azure-key-vault", uri };
}

export function fileSecret(path: string): SecretRef {
  return { kind: "file", path };
}

export function environmentSecret(variable: string): SecretRef {
  return { kind: "environment", variable };
}

/** A value that somebody pasted instead of a reference must not come back in an error. */
function shown(text: string): string {
  return /^[a-z]+:|^arn|^projects|^secrets/.test(text)
    ? JSON.stringify(text.slice(0, 80))
    : `(${text.length} characters, not shown: it may be the secret itself)`;
}
