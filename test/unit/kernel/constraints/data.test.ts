import { table } from "./harness.ts";

const model = (metadata: object) => ({ modelMetadata: metadata as never });

table("audience_allowlist", [
  [["#ops", "#dev"], { recipient: "#ops" }, true],
  [["#ops", "#dev"], { channels: ["#ops", "#dev"] }, true],
  [["#ops"], { channels: ["#ops", "#public"] }, false],
  [["#ops"], { to: "#ops", cc: "#public" }, false],
  [["#ops"], { message: { To: "#public" } }, false],
  [["#ops"], { recipient: { channel: "#ops" } }, false],
  [["#ops"], { recipients: [] }, false],
  [["#ops"], { recipient: null }, false],
  [["#ops"], { text: "hello" }, false],
  [[], { recipient: "#ops" }, false],
]);

table("memory_store_allowlist", [
  [["notes"], { store: "notes" }, true],
  [["notes"], { collection: "notes", namespace: "notes" }, true],
  [["notes"], { collection: "notes", namespace: "secrets" }, false],
  [["notes"], { store: { name: "notes" } }, false],
  [["notes"], {}, false],
]);

table("memory_write_deny_patterns", [
  [["(?i)password"], { content: "the weather" }, true],
  [["(?i)password"], { content: "my PassWord is" }, false],
  [["(?i)password"], { list: [{ deep: "password" }] }, false],
  [["a", "b"], { content: "cb" }, false],
  [["("], { content: "fine" }, false],
  [[], { content: "anything" }, true],
]);

table("model_constraint", [
  [{ allowed_model_ids: ["m1"] }, {}, true, model({ model_id: "m1" })],
  [{ allowed_model_ids: ["m1"] }, {}, false, model({ model_id: "m2" })],
  [{ allowed_model_ids: ["m1"] }, {}, false],
  [{ allowed_model_ids: [], min_safety_tier: "standard" }, {}, true, model({ model_id: "m", safety_tier: "high" })],
  [{ allowed_model_ids: [], min_safety_tier: "standard" }, {}, true, model({ model_id: "m", safety_tier: "standard" })],
  [{ allowed_model_ids: [], min_safety_tier: "standard" }, {}, false, model({ model_id: "m", safety_tier: "low" })],
  [{ allowed_model_ids: [], min_safety_tier: "low" }, {}, false, model({ model_id: "m" })],
  [{ allowed_model_ids: [], min_safety_tier: "low" }, {}, false, model({ model_id: "m", safety_tier: "superb" })],
  [{ allowed_model_ids: [] }, {}, true],
]);
