import { QUERY_KEYS } from "../../guards/tool-names.ts";
import { isStringArray } from "../../wire/fields.ts";
import type { Json } from "../../wire/json.ts";
import { type SqlToken, sqlTables, tokenizeSql } from "./sql.ts";
import { callsPlainFunctionsOnly } from "./sql-functions.ts";
import { wholeNumber } from "./strings.ts";
import { type ConstraintCheck, valuesUnder } from "./subject.ts";

const KEYS: ReadonlySet<string> = new Set(QUERY_KEYS);

/** Runs `judge` on every SQL text of the call: what stands under query, sql, statement or command. Without one, nothing holds. */
function onQueries(type: string, judge: (tokens: readonly SqlToken[]) => string | null): ConstraintCheck {
  return (subject) => {
    const queries = valuesUnder(subject.arguments, KEYS);
    if (queries === "absent" || queries === "mistyped") return `${type}: the call carries no readable query`;
    for (const query of queries) {
      const tokens = tokenizeSql(query);
      const problem = tokens === null ? "the query is not one plain statement" : judge(tokens);
      if (problem !== null) return `${type}: ${problem}`;
    }
    return null;
  };
}

/** `table_allowlist`: every table of the query is on the list, written the same way. */
export function tableAllowlist(value: Json | undefined): ConstraintCheck {
  if (!isStringArray(value)) return () => "table_allowlist has no usable list";
  const allowed = new Set(value);
  return onQueries("table_allowlist", (tokens) => {
    const found = sqlTables(tokens);
    if (found === null) return "the tables of the query are not certain";
    return found.tables.every((table) => allowed.has(table)) ? null : "the query names another table";
  });
}

const BEFORE_ALL_COLUMNS = new Set(["SELECT", "DISTINCT", "ALL", "RETURNING"]);
const AFTER_ALL_COLUMNS = new Set(["FROM", "INTO"]);

/** `column_denylist`: no column on the list is named, and none can come along unnamed: no `*`, no whole row. */
export function columnDenylist(value: Json | undefined): ConstraintCheck {
  if (!isStringArray(value)) return () => "column_denylist has no usable list";
  const denied = new Set(value.map((column) => column.slice(column.lastIndexOf(".") + 1).toLowerCase()));
  return onQueries("column_denylist", (tokens) => {
    const found = sqlTables(tokens);
    if (found === null) return "the columns of the query are not certain";
    // INSERT INTO table VALUES …: every column gets a value.
    if (tokens[0]!.keyword === "INSERT" && tokens[Math.min(...found.declared) + 1]?.text !== "(") return "the query fills all columns";
    for (const [i, token] of tokens.entries()) {
      if (token.type === "symbol" && token.text === "*" && isAllColumns(tokens, i)) return "the query takes all columns";
      if (token.type !== "word" && token.type !== "quoted") continue;
      const name = token.text.toLowerCase();
      if (denied.has(name)) return "the query names a denied column";
      if (found.rowNames.has(name) && !found.declared.has(i) && tokens[i + 1]?.text !== ".") return "the query takes a whole row";
    }
    return null;
  });
}

function isAllColumns(tokens: readonly SqlToken[], i: number): boolean {
  const before = tokens[i - 1];
  const after = tokens[i + 1];
  if (before === undefined || after === undefined || BEFORE_ALL_COLUMNS.has(before.keyword) || AFTER_ALL_COLUMNS.has(after.keyword))
    return true;
  if (before.type === "symbol" && (before.text === "," || before.text === ".")) return true;
  return after.type === "symbol" && after.text === ",";
}

/** `max_rows_returned`: a SELECT limits itself to so many rows; a write returns none. */
export function maxRowsReturned(value: Json | undefined): ConstraintCheck {
  const limit = wholeNumber(value);
  if (limit === null) return () => "max_rows_returned has no usable limit";
  return onQueries("max_rows_returned", (tokens) => {
    const head = tokens[0]!.keyword;
    if (["INSERT", "UPDATE", "DELETE"].includes(head) && !returnsRows(tokens)) return null;
    const rows = head === "SELECT" ? limitOf(tokens) : null;
    if (rows === null) return "the query does not limit its rows in a readable way";
    return rows <= limit ? null : "the query may return more rows";
  });
}

/** Whether a write answers with rows: `RETURNING …`, or `OUTPUT inserted.…` of SQL Server. */
function returnsRows(tokens: readonly SqlToken[]): boolean {
  const has = (...words: string[]) => tokens.some((token) => words.includes(token.keyword));
  return has("RETURNING") || (has("OUTPUT") && has("INSERTED", "DELETED"));
}

/** The rows that `LIMIT n`, `LIMIT skip, n` or `FETCH FIRST n ROWS ONLY` allow; only outside parentheses. */
function limitOf(tokens: readonly SqlToken[]): number | null {
  let depth = 0;
  let rows: number | null = null;
  for (const [i, token] of tokens.entries()) {
    if (token.type === "symbol") depth += token.text === "(" ? 1 : token.text === ")" ? -1 : 0;
    if (depth !== 0 || (token.keyword !== "LIMIT" && token.keyword !== "FETCH")) continue;
    if (rows !== null) return null;
    if (token.keyword === "FETCH") {
      const only = ["ROW", "ROWS"].includes(tokens[i + 3]?.keyword ?? "") && tokens[i + 4]?.keyword === "ONLY";
      rows = only ? count(tokens[i + 2]) : null;
    } else rows = tokens[i + 2]?.text === "," ? count(tokens[i + 3]) : endsClause(tokens[i + 2]) ? count(tokens[i + 1]) : null;
    if (rows === null) return null;
  }
  return rows;
}

function endsClause(token: SqlToken | undefined): boolean {
  return token === undefined || token.keyword === "OFFSET" || token.keyword === "FOR";
}

function count(token: SqlToken | undefined): number | null {
  return token?.type === "number" && /^[0-9]{1,15}$/.test(token.text) ? Number(token.text) : null;
}

const NONE: ReadonlySet<number> = new Set();
const WRITES = new Set(["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "INTO"]);

/**
 * `operation_class`: what the statement itself does. `read_only` reads, and calls plain functions only; `read_write` may also change rows and call
 * any function; `admin` may do anything. Give the database user no more rights than the class.
 */
export function operationClass(value: Json | undefined): ConstraintCheck {
  switch (value) {
    case "admin":
      return (subject) =>
        Array.isArray(valuesUnder(subject.arguments, KEYS)) ? null : "operation_class: the call carries no readable query";
    case "read_write":
      return onQueries("operation_class", (tokens) => {
        const head = tokens[0]!.keyword;
        return ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"].includes(head)
          ? null
          : "the statement does more than read and write rows";
      });
    case "read_only":
      return onQueries("operation_class", (tokens) => {
        const reads = ["SELECT", "WITH"].includes(tokens[0]!.keyword);
        const writes = tokens.some((token, i) => WRITES.has(token.keyword) && tokens[i + 1]?.text !== "(");
        return reads && !writes && callsPlainFunctionsOnly(tokens, NONE) ? null : "the statement may do more than read";
      });
    default:
      return () => "operation_class has no usable class";
  }
}
