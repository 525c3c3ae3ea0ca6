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
  return tokens.length === 0 || tokens.some((token) => token.type === "symbol" && token.text === ";") ? null : tokens;
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
const FROM_ENDS = new Set([
  ...["WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "UNION", "INTERSECT", "EXCEPT", "MINUS", "SET", "VALUES", "RETURNING"],
  ...["WINDOW", "FETCH", "FOR", "SELECT"],
]);
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
    if (FROM_ENDS.has(token.keyword)) inFrom[inFrom.length - 1] = false;
    else if (opensTables(tokens, i)) {
      expect = true;
      // These are followed by one table; the others begin a list.
      if (!["INTO", "JOIN", "STRAIGHT_JOIN", "APPLY"].includes(token.keyword)) inFrom[inFrom.length - 1] = true;
    }
  }
  if (expect || inFrom.length !== 1 || !callsPlainFunctionsOnly(tokens, found.declared)) return null;
  return found;
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
    if (token === undefined || (token.type !== "word" && token.type !== "quoted") || NOT_ALIAS.has(token.keyword)) return null;
    parts.push(token.text);
    found.declared.add(end);
    if (tokens[end + 1]?.text !== "." || tokens[end + 1]?.type !== "symbol") break;
    end += 2;
  }
  found.tables.push(parts.join("."));
  found.rowNames.add(parts.at(-1)!.toLowerCase());
  const as = tokens[end + 1]?.keyword === "AS" ? 1 : 0;
  const alias = tokens[end + 1 + as];
  if (alias !== undefined && (alias.type === "word" || alias.type === "quoted") && !NOT_ALIAS.has(alias.keyword)) {
    end += 1 + as;
    found.declared.add(end);
    found.rowNames.add(alias.text.toLowerCase());
  }
  return end;
}
