import { describeLifecycle } from "../../../infra/local/suite/index.ts";
import { notesSubject, ONE_IMAGE } from "./subject.ts";

// Run by left-behind.test.ts, which interrupts it: a service with its receipt engine, under load.
describeLifecycle({ ...notesSubject("cloud-run", ONE_IMAGE, process.env.CHIO_TEST_NOTES ?? ""), topics: ["drain"] });
