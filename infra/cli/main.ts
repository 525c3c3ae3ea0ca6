#!/usr/bin/env node
import { kitIo } from "./io.ts";
import { run } from "./program.ts";

await run(process.argv.slice(2), kitIo());
