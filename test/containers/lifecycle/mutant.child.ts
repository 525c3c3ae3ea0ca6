import { describeLifecycle } from "../../../infra/local/suite/index.ts";
import { resolveFor } from "../../../infra/topology/index.ts";
import { notesTopology } from "../support/notes-topology.ts";
import { MUTANTS } from "./mutants.ts";
import { flavorOf, notesSubject, ONE_IMAGE } from "./subject.ts";

// Run by mutations.test.ts: the suite over one mutant, or over what it was made from.
const { number, broken, notes } = JSON.parse(process.env.CHIO_TEST_MUTANT ?? "") as { number: number; broken: boolean; notes: string };
const { platform, change, codes, topic } = MUTANTS[number]!;
const graph = resolveFor(notesTopology(flavorOf(ONE_IMAGE)), platform);
describeLifecycle({
  ...notesSubject(platform, ONE_IMAGE, notes),
  topology: broken ? change(graph) : graph,
  acceptances: broken ? codes.map((code) => ({ code, reason: "the suite has to notice by itself" })) : [],
  topics: [topic],
});
