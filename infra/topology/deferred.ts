/**
 * A value that only the deploying tool will know: a Pulumi output, a CDK token. The model carries a marker in its place, checks nothing
 * about it, and the adapter puts the real value back with `mapDeferred`.
 */
const MARKER = /\$\{deferred:([A-Za-z0-9_.-]+)\}/g;
const FOREIGN = /\$\{Token\[[^\]]*\]\}/;

/** Marker in a topology for Azure: the client id of the identity in `settings.workloadIdentityId`. */
export const WORKLOAD_CLIENT_ID = "aca.workloadClientId";

/** A marker to use wherever a property takes a string. `name`: letters, digits, `_`, `.`, `-`. */
export function deferred(name: string): string {
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) throw new TypeError(`deferred name ${JSON.stringify(name)}: use letters, digits, "_", "." and "-"`);
  return `\${deferred:${name}}`;
}

/** True when the text holds a marker of ours or an unresolved CDK token: its form cannot be checked yet. */
export function isDeferred(text: string): boolean {
  return new RegExp(MARKER.source).test(text) || FOREIGN.test(text);
}

/** A string with markers, cut at them: literal parts are strings, markers are `{ deferred: name }`. */
export type DeferredParts = readonly (string | { readonly deferred: string })[];

export function deferredParts(text: string): DeferredParts {
  const parts: (string | { deferred: string })[] = [];
  let end = 0;
  for (const match of text.matchAll(MARKER)) {
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push({ deferred: match[1] ?? "" });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/** Copies plain data and gives every string that holds a marker to `replace`. Keys are left alone. */
export function mapDeferred(value: unknown, replace: (parts: DeferredParts) => unknown): unknown {
  if (typeof value === "string") return new RegExp(MARKER.source).test(value) ? replace(deferredParts(value)) : value;
  if (Array.isArray(value)) return value.map((item) => mapDeferred(item, replace));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapDeferred(item, replace)]));
  }
  return value;
}
