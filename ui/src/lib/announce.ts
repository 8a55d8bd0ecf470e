import type { HealthAlert } from "./messages";
import type { AppState } from "./store/state";
import { price, size } from "./format";
import { ENGINE_NAMES } from "./words";

export interface Announcements {
  readonly polite: string;
  readonly urgent: string;
}

/** What a listener is told between two states: new fills, and alerts that began or got worse. */
export function announce(before: AppState, after: AppState): Announcements {
  return { polite: fills(before, after), urgent: alerts(before, after) };
}

function fills(before: AppState, after: AppState): string {
  if (before.fills === after.fills) return "";
  const known = new Map(before.fills.map((fill) => [fill.id, fill.size]));
  const news = after.fills.filter((fill) => known.get(fill.id) !== fill.size);
  const last = news.at(-1);
  if (last === undefined) return "";
  const verb = last.side === "buy" ? "bought" : "sold";
  const text = `${ENGINE_NAMES[last.engine]} ${verb} ${size(last.size)} ${last.instrument} at ${price(last.price)}.`;
  return news.length > 1 ? `${text} ${news.length - 1} more fills.` : text;
}

function alerts(before: AppState, after: AppState): string {
  if (before.alerts === after.alerts) return "";
  const known = new Map(before.alerts.map((alert) => [alert.id, alert]));
  return after.alerts
    .filter((alert) => alert.active && !alert.acknowledged && alert.level !== "INFO")
    .filter((alert) => {
      const was = known.get(alert.id);
      return was === undefined || !was.active || was.level !== alert.level;
    })
    .map((alert) => `${alert.level}: ${alert.message}${liquidation(alert)}`)
    .join(" ");
}

/** The liquidation price, where the message does not tell it. */
function liquidation({ liq_price: liq, message }: HealthAlert): string {
  return liq == null || /liquidat/i.test(message) ? "" : `${message.endsWith(".") ? "" : "."} Liquidation at ${price(liq)} dollars.`;
}
