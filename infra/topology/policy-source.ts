/** Where the sidecar reads its policy from (`CHIO_POLICY_SOURCE`). Typed, so that a construct can grant exactly the read that it needs. */
export type PolicySource =
  | { readonly kind: "s3"; readonly bucket: string; readonly key: string }
  | { readonly kind: "gs"; readonly bucket: string; readonly object: string }
  | { readonly kind: "azblob"; readonly account: string; readonly container: string; readonly blob: string }
  | { readonly kind: "https"; readonly url: string }
  /** A path inside the sidecar. */
  | { readonly kind: "file"; readonly path: string };
export type PolicySourceKind = PolicySource["kind"];

export const POLICY_SOURCE_FORMS = [
  "s3://BUCKET/KEY",
  "gs://BUCKET/OBJECT",
  "azblob://ACCOUNT/CONTAINER/BLOB",
  "https://HOST/PATH",
  "/PATH or file:///PATH",
] as const;

/** Throws `TypeError` with the forms it takes. Credentials in the URL are refused: a secret has its own place. */
export function parsePolicySource(text: string): PolicySource {
  if (text.startsWith("/")) return { kind: "file", path: checkedPath(text, text) };
  const [scheme, rest] = splitScheme(text);
  switch (scheme) {
    case "file":
      return { kind: "file", path: checkedPath(rest, text) };
    case "s3":
    case "gs": {
      const [bucket, key] = splitFirst(rest);
      if (bucket === "" || key === "" || key.endsWith("/")) break;
      refuseQuery(text);
      return scheme === "s3" ? { kind: "s3", bucket, key } : { kind: "gs", bucket, object: key };
    }
    case "azblob": {
      const [account, path] = splitFirst(rest);
      const [container, blob] = splitFirst(path);
      if (account === "" || container === "" || blob === "" || blob.endsWith("/")) break;
      refuseQuery(text);
      return { kind: "azblob", account, container, blob };
    }
    case "https":
      return { kind: "https", url: checkedHttps(text) };
  }
  throw new TypeError(`policy source ${JSON.stringify(text)} has no known form; use one of ${POLICY_SOURCE_FORMS.join(", ")}`);
}

/** The URL that the sidecar gets; `parsePolicySource` reads it back to the same value. */
export function formatPolicySource(source: PolicySource): string {
  switch (source.kind) {
    case "s3":
      return `s3://${source.bucket}/${source.key}`;
    case "gs":
      return `gs://${source.bucket}/${source.object}`;
    case "azblob":
      return `azblob://${source.account}/${source.container}/${source.blob}`;
    case "https":
      return source.url;
    case "file":
      return source.path;
  }
}

/** `scheme` and what follows `://`; an empty scheme when there is none. */
export function splitScheme(text: string): [scheme: string, rest: string] {
  const at = text.indexOf("://");
  return at < 0 ? ["", text] : [text.slice(0, at), text.slice(at + 3)];
}

/** Cut at the first slash. */
export function splitFirst(text: string): [head: string, tail: string] {
  const at = text.indexOf("/");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

export function checkedHttps(text: string): string {
  if (!URL.canParse(text)) throw new TypeError(`${JSON.stringify(text)} is not a URL`);
  const url = new URL(text);
  if (url.username !== "" || url.password !== "")
    throw new TypeError(`the URL for host ${url.host} carries credentials; give them as a secret`);
  if (url.hash !== "") throw new TypeError(`${JSON.stringify(text)} has a fragment, which no server sees; remove it`);
  return text;
}

export function refuseQuery(text: string): void {
  if (/[?#\s]/.test(text)) throw new TypeError(`${JSON.stringify(text)} has a query, a fragment or white space; name the object alone`);
}

function checkedPath(path: string, text: string): string {
  if (!path.startsWith("/") || path.endsWith("/") || path.includes("\0") || path.split("/").includes("..")) {
    throw new TypeError(`${JSON.stringify(text)} is not the absolute path of a file`);
  }
  return path;
}
