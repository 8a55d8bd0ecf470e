import type { ServerFrame } from "../messages";

/** Every message type of the contract. The record makes the compiler say when one is missing. */
const KNOWN: Record<ServerFrame["type"], true> = {
  SNAPSHOT: true,
  ENGINE_STATUS: true,
  MARKET_DATA: true,
  FUNDING_UPDATE: true,
  LST_UPDATE: true,
  SCALP_SIGNAL: true,
  SCALP_UPDATE: true,
  ARB_OPPORTUNITY: true,
  ARB_UPDATE: true,
  VAULT_UPDATE: true,
  ORDER_UPDATE: true,
  GATE_REFUSAL: true,
  HEALTH_ALERT: true,
  COMMAND_RESULT: true,
  SYSTEM_STATS: true,
  LOG_ENTRY: true,
};

export const FRAME_TYPES = Object.keys(KNOWN) as readonly ServerFrame["type"][];

export type Parsed = { readonly frame: ServerFrame } | { readonly problem: string };

/** A message of the socket, or what is wrong with it in words. The rows within are the server's to keep right. */
export function parseFrame(message: unknown): Parsed {
  if (typeof message !== "string") return { problem: "a binary message; expected JSON text" };
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return { problem: `not JSON: ${shorten(message)}` };
  }
  if (typeof value === "string") return { problem: `JSON encoded twice: ${shorten(value)}` };
  if (!isObject(value)) return { problem: `expected a JSON object, got ${shorten(message)}` };
  const { type, seq, ts, data } = value;
  if (typeof type !== "string" || !Object.hasOwn(KNOWN, type)) {
    return { problem: `type: unknown value ${shorten(JSON.stringify(type) ?? "none")}` };
  }
  if (!Number.isInteger(seq)) return { problem: `${type}: seq is not an integer` };
  if (!Number.isInteger(ts)) return { problem: `${type}: ts is not an integer` };
  if (typeof data === "string") return { problem: `${type}: data is JSON encoded twice` };
  if (!isObject(data)) return { problem: `${type}: data is not an object` };
  return { frame: value as unknown as ServerFrame };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
