import { describeLifecycle } from "../../../infra/local/suite/index.ts";
import { IMAGES } from "../support/images.ts";
import { useNotesImage } from "../support/notes.ts";
import { NOTES_APP, notesTopology } from "../support/notes-topology.ts";
import { notesSubject } from "./subject.ts";

const notes = useNotesImage();

for (const image of IMAGES) describeLifecycle(notesSubject("aca", image, notes));

// An app whose command the topology does not know cannot be wrapped: what is left is the platform's own gate, that of the traffic.
for (const image of IMAGES.filter(({ name }) => name === "distroless")) {
  const subject = notesSubject("aca", image, notes, notesTopology("distroless", NOTES_APP));
  describeLifecycle({ ...subject, title: `${subject.title}, command unknown`, topics: ["start"] });
}
