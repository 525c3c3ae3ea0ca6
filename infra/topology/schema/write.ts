import { writeFileSync } from "node:fs";
import { serviceJsonSchema } from "./json-schema.ts";

// Run after a change of the schema: node infra/topology/schema/write.ts
writeFileSync(new URL("../service.schema.json", import.meta.url), `${JSON.stringify(serviceJsonSchema(), null, 2)}\n`);
