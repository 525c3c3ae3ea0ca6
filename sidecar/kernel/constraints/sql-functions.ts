import type { SqlToken } from "./sql.ts";

/** Functions that compute from their arguments alone: no table, file, network, lock or sequence behind them. */
const PLAIN_FUNCTIONS = new Set(
  `abs age any_value array_agg avg bool_and bool_or btrim cast ceil ceiling char_length character_length coalesce concat concat_ws count cume_dist date
  date_add date_diff date_format date_part date_sub date_trunc datediff day dense_rank exp extract first_value floor format greatest group_concat hour
  if ifnull iif initcap instr isnull json_agg json_array json_extract json_object json_value julianday lag last_value lead least left length ln log
  lower lpad ltrim max md5 median min minute mod month now nth_value ntile nullif nvl octet_length percent_rank percentile_cont percentile_disc position
  power rank repeat replace reverse right round row_number rpad rtrim second sha1 sha256 sign split_part sqrt stddev strftime string_agg strpos substr
  substring sum to_char to_date to_number to_timestamp trim upper variance year`
    .toUpperCase()
    .split(/\s+/),
);

/** Words that a parenthesis may follow without making a function call of them. */
const KEYWORDS = new Set(
  `ALL AND ANY AS BETWEEN BY CASE CONFLICT DISTINCT ELSE EXCEPT EXISTS FILTER FROM GROUP HAVING IN INTERSECT INTO JOIN LATERAL LIKE LIMIT NOT OFFSET ON
  ONLY OR OVER PARTITION RETURNING SELECT SET SOME THEN UNION USING VALUES WHEN WHERE WITHIN`.split(/\s+/),
);

/**
 * True when the statement calls nothing but plain functions. `declared`: tokens that name a table or alias, which a column list may follow.
 */
export function callsPlainFunctionsOnly(tokens: readonly SqlToken[], declared: ReadonlySet<number>): boolean {
  return tokens.every((token, i) => {
    const next = tokens[i + 1];
    if ((token.type !== "word" && token.type !== "quoted") || next?.type !== "symbol" || next.text !== "(" || declared.has(i)) return true;
    const qualified = tokens[i - 1]?.type === "symbol" && tokens[i - 1]?.text === ".";
    return token.type === "word" && !qualified && (KEYWORDS.has(token.keyword) || PLAIN_FUNCTIONS.has(token.keyword));
  });
}
