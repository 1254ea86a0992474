/** Runs every law over one history, fact by fact, and collects what they report. */
import type { Commit, HostEvent } from "../history.ts";
import { tell, type Handlers, type MonitorOptions, type Violation } from "./law.ts";
import { LAWS_WITH_MONITORS } from "./laws.ts";
import type { Fact, Facts } from "./ledger/facts.ts";
import { Ledger } from "./ledger/Ledger.ts";
import { projectCommit, projectHost } from "./ledger/project.ts";

/** All laws watching one history. Feed both logs in the order in which things happened. */
export interface Monitors {
  readonly commit: (commit: Commit) => void;
  readonly host: (event: HostEvent) => void;
  /** Announces that the operator came up or went down; it counts as up from the start. */
  readonly operator: (up: boolean, at: number) => void;
  /** Ends the history: laws about the end are judged now. */
  readonly finish: (at: number) => void;
  /** Everything that was broken so far, in the order of discovery. */
  readonly violations: ReadonlyArray<Violation>;
  /** How many laws watch. */
  readonly laws: number;
}

const DEFAULTS: Required<MonitorOptions> = {
  disturbed: () => false,
  startedAt: 0,
  reactionMillis: 1000,
  lagMillis: 0,
  ceiling: Number.POSITIVE_INFINITY,
  stopMillis: 2000,
};

type Watcher = { readonly law: string; readonly handlers: Handlers };

/** Makes fresh monitors of every law for one history. Pure apart from what they remember. */
export const makeMonitors = (options: MonitorOptions = {}): Monitors => {
  const ledger = new Ledger();
  const settings = { ...DEFAULTS, ...options };
  const violations: Array<Violation> = [];
  let now = Number.NEGATIVE_INFINITY;
  let rv: number | undefined;
  let upSince: number | undefined = now;
  const watchers = LAWS_WITH_MONITORS.map(({ law, monitor }): Watcher => ({
    law,
    handlers: monitor({
      ledger,
      options: settings,
      seconds: (at) => `${(at - settings.startedAt) / 1000}s`,
      operatorUpSince: () => upSince,
      report: (message) => violations.push({ law, message, rv, at: now }),
    }),
  }));
  const byFact = new Map<keyof Facts, ReadonlyArray<Watcher>>();
  const watchersOf = (fact: keyof Facts): ReadonlyArray<Watcher> => {
    const known = byFact.get(fact) ?? watchers.filter(({ handlers }) => fact in handlers);
    byFact.set(fact, known);
    return known;
  };
  const announce = (fact: Fact): void => {
    for (const { handlers } of watchersOf(fact.is)) tell(handlers, fact);
  };
  const advance = (at: number): void => {
    rv = undefined;
    if (at <= now) return;
    now = at;
    announce({ is: "Tick", at });
  };
  return {
    commit: (commit) => {
      advance(commit.at);
      rv = commit.rv;
      projectCommit(ledger, commit);
      for (const fact of ledger.facts) announce(fact);
    },
    host: (event) => {
      advance(event.at);
      projectHost(ledger, event);
      for (const fact of ledger.facts) announce(fact);
    },
    operator: (up, at) => {
      advance(at);
      upSince = up ? (upSince ?? at) : undefined;
      announce({ is: "Operator", up, at });
    },
    finish: (at) => {
      advance(at);
      announce({ is: "Finished", at });
    },
    violations,
    laws: watchers.length,
  };
};
