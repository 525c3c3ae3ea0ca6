import { callsPlainFunctionsOnly } from "./sql-functions.ts";

export interface SqlToken {
  type: "word" | "quoted" | "string" | "number" | "symbol";
  /** As written; a quoted name without its quotes. */
  text: string;
  /** Upper case of a bare word, else "". */
  keyword: string;
}

/**
 * Tokens of one SQL statement. null for whatever servers read differently: several statements, comments (MySQL executes some), backslashes in
 * strings, dollar quoting, brackets, anything outside ASCII but in strings.
 */
export function tokenizeSql(sql: string): SqlToken[] | null {
  const tokens: SqlToken[] = [];
  // biome-ignore format: one alternative per line reads best
  const pattern = /\s+|(?<comment>--|\/\*|#)|(?<string>'(?:[^'\\]|'')*')|(?<quoted>"[^"\\]+"|`[^`\\]+`)|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<number>[0-9]+(?:\.[0-9]+)?)|(?<symbol>\$[0-9]+|[(),.;*=<>+\-/%|&!?:@~^])/y;
  while (pattern.lastIndex < sql.length) {
    const groups = pattern.exec(sql)?.groups;
    if (groups === undefined || groups.comment !== undefined) return null;
    const { string, quoted, word, number, symbol } = groups;
    if (word !== undefined) {
      // E'…', N'…', x'…': the letter changes how the string is read.
      if (sql[pattern.lastIndex] === "'") return null;
      tokens.push({ type: "word", text: word, keyword: word.toUpperCase() });
    } else if (quoted !== undefined) tokens.push({ type: "quoted", text: quoted.slice(1, -1), keyword: "" });
    else if (string !== undefined) tokens.push({ type: "string", text: string, keyword: "" });
    else if (number !== undefined) tokens.push({ type: "number", text: number, keyword: "" });
    else if (symbol !== undefined) tokens.push({ type: "symbol", text: symbol, keyword: "" });
  }
  if (tokens.at(-1)?.text === ";") tokens.pop();
  return tokens.length === 0 || holdsAnother(tokens) ? null : tokens;
}

/** Words that begin a statement of SQL Server, which takes the next one without a semicolon. */
const STATEMENTS = new Set(
  `ALTER BACKUP BULK CREATE DBCC DECLARE DENY DROP EXEC EXECUTE GRANT KILL RECONFIGURE RESTORE REVERT REVOKE SHUTDOWN TRUNCATE USE WAITFOR`.split(
    " ",
  ),
);
const JOINS_SELECTS = new Set(["UNION", "INTERSECT", "EXCEPT"]);

/** True when a second statement may begin somewhere behind the first, after a semicolon or without one. */
function holdsAnother(tokens: readonly SqlToken[]): boolean {
  const head = tokens[0]!.keyword;
  let selects = head === "UPDATE" || head === "DELETE" ? 1 : 0;
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    const { type, text, keyword } = token;
    if (type === "symbol") depth += text === "(" ? 1 : text === ")" ? -1 : 0;
    if (type === "symbol" && text === ";") return true;
    if (keyword === "" || tokens[i - 1]?.text === ".") continue;
    // TRUNCATE(x, 2) is a function; EXEC('…') is a statement.
    if (i > 0 && STATEMENTS.has(keyword) && !(keyword === "TRUNCATE" && tokens[i + 1]?.text === "(")) return true;
    if (keyword !== "SELECT" || depth > 0) continue;
    const before = tokens[i - 1]?.keyword ?? "";
    const joined = JOINS_SELECTS.has(before) || (["ALL", "DISTINCT"].includes(before) && JOINS_SELECTS.has(tokens[i - 2]!.keyword));
    if (!joined) selects++;
  }
  return selects > 1;
}

/** Tables of a statement, and the names that stand for a whole row of them. */
export interface SqlTables {
  /** `schema.table` as written. */
  tables: string[];
  /** Indexes of tokens that name a table or an alias where it is declared. */
  declared: Set<number>;
  /** Last part of each table name, and each alias. */
  rowNames: Set<string>;
}

const HEADS = new Set(["SELECT", "INSERT", "UPDATE", "DELETE"]);
/**
 * Words that end a list of tables. Only such as no server takes for an alias, or that are told from one by what follows: `FROM orders offset, users` is
 * two tables.
 */
const FROM_ENDS = new Set(["WHERE", "GROUP", "ORDER", "HAVING", "UNION", "SELECT", "LIMIT", "SET", "VALUES", "RETURNING"]);
const NOT_ALIAS = new Set([
  ...FROM_ENDS,
  ...[
    "ON",
    "USING",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "NATURAL",
    "OUTER",
    "AS",
    "DEFAULT",
    "FROM",
    "INTO",
    "STRAIGHT_JOIN",
  ],
]);
/** Followed by one table; the other words that name tables begin a list. */
const ONE_TABLE = new Set(["INTO", "JOIN", "STRAIGHT_JOIN", "APPLY", "IN"]);

/**
 * Every table that a SELECT, INSERT INTO, UPDATE or DELETE FROM names. null when the statement is another one, is not understood, or calls a
 * function that could read or do anything. Errs on the side of naming too much: `EXTRACT(YEAR FROM day)` counts `day` as a table.
 */
export function sqlTables(tokens: readonly SqlToken[]): SqlTables | null {
  if (!HEADS.has(tokens[0]!.keyword)) return null;
  // Some servers take INSERT and DELETE without these words, and a table in the same place.
  if (tokens[0]!.keyword === "INSERT" && tokens[1]?.keyword !== "INTO") return null;
  if (tokens[0]!.keyword === "DELETE" && tokens[1]?.keyword !== "FROM") return null;
  // WITH can shadow a table's name in one place and not in another; TABLE and INTO OUTFILE read and write by another name.
  if (tokens.some((token) => ["WITH", "TABLE", "OUTFILE", "DUMPFILE"].includes(token.keyword))) return null;
  // A second statement of SQL Server's, whose table need not stand behind INTO or FROM.
  if (tokens.some((token, i) => i > 0 && ["INSERT", "DELETE", "MERGE"].includes(token.keyword) && tokens[i - 1]!.text !== ".")) return null;
  const found: SqlTables = { tables: [], declared: new Set(), rowNames: new Set() };
  const inFrom: boolean[] = [false];
  let expect = false;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (expect && !["ONLY", "LATERAL"].includes(token.keyword)) {
      expect = false;
      if (token.text === "(" && token.type === "symbol") {
        const subquery = tokens[i + 1]?.keyword === "SELECT";
        inFrom.push(!subquery);
        expect = !subquery;
        continue;
      }
      const end = readTable(tokens, i, found);
      if (end === null) return null;
      i = end;
      continue;
    }
    if (token.type === "symbol") {
      if (token.text === "(") inFrom.push(false);
      else if (token.text === ")" && inFrom.length > 1) inFrom.pop();
      else if (token.text === ")") return null;
      else if (token.text === ",") expect = inFrom.at(-1)!;
      continue;
    }
    if (FROM_ENDS.has(token.keyword)) {
      if (inFrom.at(-1) && !endsTables(tokens, i, inFrom.length === 1)) return null;
      inFrom[inFrom.length - 1] = false;
    } else if (opensTables(tokens, i)) {
      expect = true;
      if (!ONE_TABLE.has(token.keyword)) inFrom[inFrom.length - 1] = true;
    }
  }
  if (expect || inFrom.length !== 1 || !callsPlainFunctionsOnly(tokens, found.declared)) return null;
  return found;
}

/** False when the word behind a list of tables may be the last table's alias: each of these is a plain name to some server. */
function endsTables(tokens: readonly SqlToken[], i: number, outermost: boolean): boolean {
  const next = tokens[i + 1];
  switch (tokens[i]!.keyword) {
    case "LIMIT":
      return next?.type === "number" || next?.keyword === "ALL" || (next?.type === "symbol" && /^[$?:@]/.test(next.text));
    case "SET":
      return outermost && (tokens[i - 1]!.keyword === "UPDATE" || isFirstSet(tokens, i));
    case "RETURNING":
      return (
        outermost && tokens[0]!.keyword !== "SELECT" && next !== undefined && !(next.type === "symbol" && [",", "("].includes(next.text))
      );
    case "VALUES":
      return false;
    default:
      return true;
  }
}

/** The SET of UPDATE itself. */
function isFirstSet(tokens: readonly SqlToken[], i: number): boolean {
  return tokens[0]!.keyword === "UPDATE" && tokens.findIndex((token) => token.keyword === "SET") === i;
}

function opensTables(tokens: readonly SqlToken[], i: number): boolean {
  switch (tokens[i]!.keyword) {
    case "FROM":
    case "JOIN":
    case "STRAIGHT_JOIN":
    case "APPLY":
    case "INTO":
      return true;
    case "USING":
      return tokens[i + 1]?.text !== "(";
    case "IN":
      // SQLite and ClickHouse take a table behind IN. LOCK IN SHARE MODE, IN BOOLEAN MODE.
      return isName(tokens[i + 1]) && !["SHARE", "NATURAL", "BOOLEAN"].includes(tokens[i + 1]!.keyword);
    case "UPDATE":
      // ON CONFLICT … DO UPDATE SET, and SELECT … FOR UPDATE.
      return tokens[i + 1]?.keyword !== "SET" && tokens[i - 1]?.keyword !== "FOR";
    default:
      return false;
  }
}

/** Reads `a.b.c [AS] alias` from `at`; index of its last token, or null when no name stands there. */
function readTable(tokens: readonly SqlToken[], at: number, found: SqlTables): number | null {
  let end = at;
  const parts: string[] = [];
  for (;;) {
    const token = tokens[end];
    if (!isName(token) || NOT_ALIAS.has(token.keyword)) return null;
    parts.push(token.text);
    found.declared.add(end);
    if (tokens[end + 1]?.text !== "." || tokens[end + 1]?.type !== "symbol") break;
    end += 2;
  }
  found.tables.push(parts.join("."));
  found.rowNames.add(parts.at(-1)!.toLowerCase());
  const as = tokens[end + 1]?.keyword === "AS" ? 1 : 0;
  const alias = tokens[end + 1 + as];
  if (isName(alias) && !NOT_ALIAS.has(alias.keyword)) {
    end += 1 + as;
    found.declared.add(end);
    found.rowNames.add(alias.text.toLowerCase());
  } else if (as === 1) return null;
  return end;
}

function isName(token: SqlToken | undefined): token is SqlToken {
  return token?.type === "word" || token?.type === "quoted";
}
