import {
  ColorType,
  CrosshairMode,
  createChart,
  type ChartOptions,
  type DeepPartial,
  type IChartApi,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { dayTime } from "../lib/format";

/** Colours of the page's theme, for canvases, which know no CSS variables. */
export interface Palette {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly accent: string;
  readonly up: string;
  readonly down: string;
  readonly warn: string;
  readonly staking: string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of("text"),
    muted: of("muted"),
    line: of("line"),
    accent: of("accent"),
    up: of("up"),
    down: of("down"),
    warn: of("warn"),
    staking: of("cause-staking"),
  };
}

/** A colour of the page by its name: "accent", "cause-funding". */
export function colourNamed(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function chartColours(palette: Palette): DeepPartial<ChartOptions> {
  return {
    layout: { background: { type: ColorType.Solid, color: "transparent" }, textColor: palette.muted },
    grid: { vertLines: { color: palette.line }, horzLines: { color: palette.line } },
    crosshair: {
      vertLine: { color: palette.muted, labelBackgroundColor: palette.muted },
      horzLine: { color: palette.muted, labelBackgroundColor: palette.muted },
    },
    rightPriceScale: { borderColor: palette.line },
    timeScale: { borderColor: palette.line },
  };
}

/** An empty chart that fills its box, with local times. Its logo is off: the attribution is in the footer. */
export function makeChart(box: HTMLElement, palette: Palette): IChartApi {
  const chart = createChart(box, {
    autoSize: true,
    layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11 },
    crosshair: { mode: CrosshairMode.Magnet },
    localization: { timeFormatter: (time: Time) => dayTime(Number(time) * 1_000) },
    timeScale: {
      timeVisible: true,
      secondsVisible: false,
      minBarSpacing: 0.05,
      maxBarSpacing: 24,
      rightOffset: 2,
      tickMarkFormatter: (time: Time) => tickLabel(Number(time) * 1_000),
    },
    rightPriceScale: { scaleMargins: { top: 0.12, bottom: 0.08 } },
    // The page scrolls with the wheel; a chart must not catch it.
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false },
  });
  chart.applyOptions(chartColours(palette));
  return chart;
}

const HOUR = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short" });

function tickLabel(ts: number): string {
  const date = new Date(ts);
  return date.getHours() === 0 && date.getMinutes() === 0 ? DAY.format(ts) : HOUR.format(ts);
}

/** Milliseconds as the chart's whole seconds. */
export function seconds(ts: number): UTCTimestamp {
  return Math.floor(ts / 1_000) as UTCTimestamp;
}
