import { type Command, InvalidArgumentError, Option } from "commander";
import type { ReceiptFilter } from "../../ledger/read.ts";
import type { ReceiptIndex } from "../../ledger/types.ts";
import { type StoreFlags, storeOption, timeArgument } from "./store.ts";

const OUTCOMES: readonly ReceiptIndex["outcome"][] = ["allow", "deny", "cancelled", "incomplete"];

/** The filter under the flags' own names. */
export interface FilterFlags
  extends StoreFlags,
    Pick<ReceiptFilter, "toolServer" | "toolName" | "outcome" | "since" | "until" | "minCost" | "maxCost"> {
  capability?: string;
  tenant?: string;
  adminAll?: true;
}

/** The conditions that `list` and `tail` share. */
export function filterOptions(command: Command): Command {
  return storeOption(command)
    .option("--capability <id>", "only receipts of this capability")
    .option("--tool-server <id>", "only receipts of this tool server; `http` for routes")
    .option("--tool-name <name>", "only receipts of this tool; `GET /orders/{id}` for a route")
    .addOption(new Option("--outcome <outcome>", "only receipts with this decision").choices(OUTCOMES))
    .option("--since <time>", "only receipts from this time on: Unix seconds or ISO 8601", timeArgument)
    .option("--until <time>", "only receipts up to this time", timeArgument)
    .option("--min-cost <units>", "only receipts that cost this much or more, in minor units", costArgument)
    .option("--max-cost <units>", "only receipts that cost this much or less", costArgument)
    .addOption(new Option("--tenant <id>", "only receipts of this tenant").conflicts("adminAll"))
    .option("--admin-all", "receipts of every tenant. Without --tenant or this, those that name a tenant are left out");
}

export function receiptFilter(flags: FilterFlags): ReceiptFilter {
  return {
    ...given("capabilityId", flags.capability),
    ...given("toolServer", flags.toolServer),
    ...given("toolName", flags.toolName),
    ...given("outcome", flags.outcome),
    ...given("since", flags.since),
    ...given("until", flags.until),
    ...given("minCost", flags.minCost),
    ...given("maxCost", flags.maxCost),
    ...given("tenantId", flags.tenant),
    ...given("allTenants", flags.adminAll),
  };
}

function given<Name extends keyof ReceiptFilter>(name: Name, value: ReceiptFilter[Name] | undefined): Partial<Pick<ReceiptFilter, Name>> {
  return value === undefined ? {} : ({ [name]: value } as Pick<ReceiptFilter, Name>);
}

function costArgument(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw new InvalidArgumentError("Give a whole number of minor units, like 250 for 2.50.");
  return BigInt(text);
}
