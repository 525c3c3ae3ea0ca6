import { App } from "aws-cdk-lib";
import { acknowledge, TicketsStack } from "./stack.ts";

const app = new App();
const context = (name: string): string => {
  const value: unknown = app.node.tryGetContext(name);
  if (typeof value !== "string") throw new Error(`cdk deploy -c ${name}=VALUE is missing; see README.md`);
  return value;
};
const certificateArn: unknown = app.node.tryGetContext("certificateArn");
const account = process.env.CDK_DEFAULT_ACCOUNT;

const stack = new TicketsStack(app, "Tickets", {
  env: { region: process.env.CDK_DEFAULT_REGION ?? "eu-central-1", ...(account === undefined ? {} : { account }) },
  appImage: context("appImage"),
  signingKeyName: context("signingKeyName"),
  ...(typeof certificateArn === "string" ? { certificateArn } : {}),
});
acknowledge(stack);
