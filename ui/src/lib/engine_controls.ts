import type { EngineStatus } from "./messages";

export interface Control {
  readonly label: string;
  readonly busy: string;
  /** Why it can't be used now; null where it can. */
  readonly why: string | null;
}

export interface Controls {
  readonly start: Control;
  readonly pause: Control;
  readonly stop: Control;
}

const START_NOT: Partial<Record<EngineStatus, string>> = {
  running: "It runs already.",
  starting: "It is starting.",
  stopping: "It is stopping; wait until it is stopped.",
  faulted: "It is faulted: stop it first, then start it.",
};
const PAUSE_NOT: Partial<Record<EngineStatus, string>> = {
  stopped: "It is stopped.",
  starting: "It is starting.",
  paused: "It is paused already.",
  stopping: "It is stopping.",
  faulted: "It is faulted.",
};
const STOP_NOT: Partial<Record<EngineStatus, string>> = {
  stopped: "It is stopped already.",
  stopping: "It is stopping.",
};

/** What can be asked of an engine in this state, by the table of its life; `blocked` says why nothing can. */
export function engineControls(status: EngineStatus, blocked: string | null): Controls {
  const resume = status === "paused";
  return {
    start: {
      label: resume ? "Resume" : "Start",
      busy: resume ? "Resuming…" : "Starting…",
      why: blocked ?? START_NOT[status] ?? null,
    },
    pause: { label: "Pause", busy: "Pausing…", why: blocked ?? PAUSE_NOT[status] ?? null },
    stop: { label: "Stop", busy: "Stopping…", why: blocked ?? STOP_NOT[status] ?? null },
  };
}
