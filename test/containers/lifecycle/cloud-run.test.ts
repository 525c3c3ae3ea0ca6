import { describeLifecycle } from "../../../infra/local/suite/index.ts";
import { IMAGES } from "../support/images.ts";
import { useNotesImage } from "../support/notes.ts";
import { notesSubject } from "./subject.ts";

const notes = useNotesImage();

for (const image of IMAGES) describeLifecycle(notesSubject("cloud-run", image, notes));
