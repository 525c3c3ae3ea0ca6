// Opens the store that it is given, prints why that was refused, and has nothing else to do.
import { openTestLedger } from "./fixture.ts";

await openTestLedger(process.argv[2]!).then(
  () => console.log("opened"),
  (error: { code: string }) => console.log(error.code),
);
