import { type InputIssue, isDeferred } from "../topology/index.ts";
import { isLater } from "./deferral.ts";

/** A share of the traffic, whatever the platform calls its parts. */
export interface Share {
  readonly percent: unknown;
  /** Missing: the latest revision. */
  readonly revision: unknown;
  readonly tag: unknown;
}

/** `percent` and `tag`: how the platform names them. */
export interface ShareWords {
  readonly platform: string;
  readonly percent: string;
  readonly tag: string;
}

/** What is wrong with the shares, as far as they are known. */
export function shareIssues(shares: readonly Share[], words: ShareWords): InputIssue[] {
  const issues: InputIssue[] = [];
  const percents = shares.map((share) => share.percent);
  for (const [index, percent] of percents.entries()) {
    if (typeof percent === "number" && (!Number.isInteger(percent) || percent < 0 || percent > 100))
      issues.push({ path: `traffic[${index}].${words.percent}`, message: `is ${percent}; use a whole number from 0 to 100` });
  }
  const sum = percents.reduce<number>((all, one) => all + (typeof one === "number" ? one : 0), 0);
  if (issues.length === 0 && !percents.some(isOpen) && sum !== 100)
    issues.push({ path: "traffic", message: `adds up to ${sum} %; ${words.platform} takes 100 % and nothing else` });
  for (const [field, text] of [
    ["revision", "a revision"],
    ["tag", `a ${words.tag}`],
  ] as const) {
    const named = shares.map((share) => share[field]).filter((one) => typeof one === "string" && !isOpen(one));
    for (const twice of new Set(named.filter((one, index) => named.indexOf(one) !== index)))
      issues.push({ path: "traffic", message: `names ${twice} twice; ${text} has one share` });
  }
  if (shares.filter((share) => share.revision === undefined).length > 1)
    issues.push({ path: "traffic", message: "has two shares for the latest revision; give one of them a revision" });
  return issues;
}

/** Not known yet: an output, or the marker of one. */
function isOpen(value: unknown): boolean {
  return isLater(value) || (typeof value === "string" && isDeferred(value));
}
