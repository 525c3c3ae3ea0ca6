// Opens the store that it is given, says so, and keeps it open until it is killed.
import { openTestLedger } from "./fixture.ts";

await openTestLedger(process.argv[2]!);
console.log("open");
