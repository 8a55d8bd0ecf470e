import type { EngineId, OrderRow, Refusal } from "./messages";

/** A line of the tape: an order, or a refusal. */
export type TapeRow =
  | { readonly kind: "order"; readonly id: string; readonly ts: number; readonly engine: EngineId; readonly order: OrderRow }
  | {
      readonly kind: "refusal";
      readonly id: string;
      readonly ts: number;
      readonly engine: EngineId;
      readonly refusal: Refusal;
    };

/** Orders and refusals together, newest first. */
export function makeTape(orders: readonly OrderRow[], refusals: readonly Refusal[], limit: number): readonly TapeRow[] {
  const lines: TapeRow[] = [
    ...orders.slice(-limit).map((order) => ({
      kind: "order" as const,
      id: order.id,
      ts: order.updated_ts,
      engine: order.engine,
      order,
    })),
    ...refusals.slice(-limit).map((refusal) => ({
      kind: "refusal" as const,
      id: refusal.id,
      ts: refusal.ts,
      engine: refusal.engine,
      refusal,
    })),
  ];
  return lines.sort((a, b) => b.ts - a.ts || b.id.localeCompare(a.id)).slice(0, limit);
}
