import type { EngineId, PnlDay } from "./messages";

export const CAUSES = ["price", "funding", "staking", "fees", "tips", "slippage", "borrow"] as const;

export interface CauseRow {
  readonly cause: string;
  readonly engines: Partial<Record<EngineId, number>>;
  readonly total: number;
}

type ByEngine = readonly { readonly engine: EngineId; readonly causes: Readonly<Record<string, number>> }[];

/** A table of P&L: one row a cause (known ones first), one column an engine. */
export function causeTable(rows: ByEngine): readonly CauseRow[] {
  const told = new Set(rows.flatMap((row) => Object.keys(row.causes)));
  const order = [...CAUSES.filter((cause) => told.has(cause)), ...[...told].filter((cause) => !isCause(cause)).sort()];
  return order.map((cause) => {
    const engines: Partial<Record<EngineId, number>> = {};
    for (const row of rows) {
      const usd = row.causes[cause];
      if (usd !== undefined) engines[row.engine] = (engines[row.engine] ?? 0) + usd;
    }
    return { cause, engines, total: Object.values(engines).reduce((sum, usd) => sum + usd, 0) };
  });
}

export interface DayBar {
  readonly day: string;
  readonly causes: Readonly<Record<string, number>>;
  readonly up: number;
  readonly down: number;
}

/** The last `limit` days, each with its causes over all engines and how far it reaches up and down. */
export function dayBars(days: readonly PnlDay[], limit: number): readonly DayBar[] {
  const names = [...new Set(days.map((day) => day.day))].sort().slice(-limit);
  return names.map((name) => {
    const table = causeTable(days.filter((day) => day.day === name));
    const causes = Object.fromEntries(table.map((row) => [row.cause, row.total]));
    const values = Object.values(causes);
    return {
      day: name,
      causes,
      up: values.reduce((sum, usd) => sum + Math.max(usd, 0), 0),
      down: values.reduce((sum, usd) => sum + Math.min(usd, 0), 0),
    };
  });
}

function isCause(name: string): boolean {
  return (CAUSES as readonly string[]).includes(name);
}
