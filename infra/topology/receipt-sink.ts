import { checkedHttps, refuseQuery, splitFirst, splitScheme } from "./policy-source.ts";

/** Where the sidecar hands its receipts (`CHIO_RECEIPT_SINK`). Typed, so that a construct can grant exactly the write that it needs. */
export type ReceiptSink =
  | { readonly kind: "dynamodb"; readonly table: string; readonly region: string | null }
  | { readonly kind: "bigquery"; readonly project: string; readonly dataset: string; readonly table: string }
  /** `database` and `container` null: the sidecar's own names for them. */
  | { readonly kind: "cosmosdb"; readonly account: string; readonly database: string | null; readonly container: string | null }
  /** The password comes as a secret (`PGPASSWORD`), never in the URL. */
  | {
      readonly kind: "postgres";
      readonly host: string;
      readonly port: number | null;
      readonly database: string;
      readonly user: string | null;
      readonly parameters: string;
    }
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string }
  | { readonly kind: "gs"; readonly bucket: string; readonly prefix: string }
  | { readonly kind: "https"; readonly url: string }
  /** The local store as the only sink. `path` null: the sidecar's store. */
  | { readonly kind: "sqlite"; readonly path: string | null }
  | { readonly kind: "stdout" };
export type ReceiptSinkKind = ReceiptSink["kind"];

export const RECEIPT_SINK_FORMS = [
  "dynamodb://TABLE[?region=R]",
  "bigquery://PROJECT.DATASET.TABLE",
  "cosmosdb://ACCOUNT[/DATABASE/CONTAINER]",
  "postgres://[USER@]HOST[:PORT]/DATABASE[?PARAMETERS]",
  "s3://BUCKET[/PREFIX/]",
  "gs://BUCKET[/PREFIX/]",
  "https://HOST/PATH",
  "sqlite or sqlite:///PATH",
  "stdout",
] as const;

/** Throws `TypeError` with the forms it takes. Never shows a password that was put into the URL. */
export function parseReceiptSink(text: string): ReceiptSink {
  if (text === "stdout") return { kind: "stdout" };
  if (text === "sqlite") return { kind: "sqlite", path: null };
  const [scheme, rest] = splitScheme(text);
  switch (scheme) {
    case "dynamodb":
      return dynamodb(rest) ?? unknown(text);
    case "bigquery": {
      const parts = rest.split(".");
      const [project, dataset, table] = parts;
      if (parts.length !== 3 || !project || !dataset || !table || !/^[\w:.$-]+$/.test(rest)) return unknown(text);
      return { kind: "bigquery", project, dataset, table };
    }
    case "cosmosdb": {
      const [account = "", database, container, ...more] = rest.split("/");
      if (account === "" || more.length > 0 || (database !== undefined && (database === "" || !container))) return unknown(text);
      refuseQuery(text);
      return { kind: "cosmosdb", account, database: database ?? null, container: container ?? null };
    }
    case "postgres":
    case "postgresql":
      return postgres(rest);
    case "s3":
    case "gs": {
      const [bucket, prefix] = splitFirst(rest);
      if (bucket === "") return unknown(text);
      refuseQuery(text);
      return { kind: scheme, bucket, prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/` };
    }
    case "https":
      refuseQuery(text);
      return { kind: "https", url: checkedHttps(text) };
    case "sqlite":
      if (!rest.startsWith("/") || rest.endsWith("/") || /[?#\0]/.test(rest)) return unknown(text);
      return { kind: "sqlite", path: rest };
  }
  return unknown(text);
}

/** The URL that the sidecar gets; `parseReceiptSink` reads it back to the same value. */
export function formatReceiptSink(sink: ReceiptSink): string {
  switch (sink.kind) {
    case "dynamodb":
      return `dynamodb://${sink.table}${sink.region === null ? "" : `?region=${sink.region}`}`;
    case "bigquery":
      return `bigquery://${sink.project}.${sink.dataset}.${sink.table}`;
    case "cosmosdb":
      return `cosmosdb://${sink.account}${sink.database === null ? "" : `/${sink.database}/${sink.container}`}`;
    case "postgres":
      return `postgres://${sink.user === null ? "" : `${sink.user}@`}${sink.host}${sink.port === null ? "" : `:${sink.port}`}/${sink.database}${sink.parameters === "" ? "" : `?${sink.parameters}`}`;
    case "s3":
    case "gs":
      return `${sink.kind}://${sink.bucket}${sink.prefix === "" ? "" : `/${sink.prefix}`}`;
    case "https":
      return sink.url;
    case "sqlite":
      return sink.path === null ? "sqlite" : `sqlite://${sink.path}`;
    case "stdout":
      return "stdout";
  }
}

/** True for sinks that outlive the replica. */
export function isRemoteSink(sink: ReceiptSink): boolean {
  return sink.kind !== "sqlite" && sink.kind !== "stdout";
}

function dynamodb(rest: string): ReceiptSink | null {
  const [table = "", query] = rest.split("?", 2);
  if (!/^[A-Za-z0-9_.-]{3,255}$/.test(table)) return null;
  if (query === undefined) return { kind: "dynamodb", table, region: null };
  const region = /^region=([a-z0-9-]+)$/.exec(query)?.[1];
  return region === undefined ? null : { kind: "dynamodb", table, region };
}

function postgres(rest: string): ReceiptSink {
  const text = `postgres://${rest}`;
  if (!URL.canParse(text) || new URL(text).hostname === "")
    throw new TypeError(`the postgres receipt sink is not a URL; use ${RECEIPT_SINK_FORMS[3]}`);
  const url = new URL(text);
  if (url.password !== "" || /(?:^|[?&])(?:password|sslkey|passfile)=/i.test(url.search)) {
    throw new TypeError(`the postgres receipt sink for host ${url.hostname} carries a password; remove it and give PGPASSWORD as a secret`);
  }
  const database = url.pathname.slice(1);
  if (database === "" || database.includes("/") || url.hash !== "")
    throw new TypeError(`the postgres receipt sink names no database; use ${RECEIPT_SINK_FORMS[3]}`);
  return {
    kind: "postgres",
    host: url.hostname,
    port: url.port === "" ? null : Number(url.port),
    database,
    user: url.username === "" ? null : url.username,
    parameters: url.search.slice(1),
  };
}

function unknown(text: string): never {
  throw new TypeError(`receipt sink ${JSON.stringify(text)} has no known form; use one of ${RECEIPT_SINK_FORMS.join(", ")}`);
}
