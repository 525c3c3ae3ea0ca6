// The entry point `chio-kit/testing/lifecycle`: apart from `chio-kit/testing`, which does not need Vitest.
export {
  describeLifecycle,
  LIFECYCLE_TOPICS,
  type LifecycleCall,
  type LifecyclePlatform,
  type LifecycleSubject,
  type LifecycleTopic,
} from "./suite/index.ts";
