/** What the page of `latency-tts report` shows. Plain JSON; `null` stands for no deadline. Times in milliseconds, accuracies in [0, 1]. */
export interface ReportData {
  readonly version: 1;
  /** Model, machine and origin of the profile. */
  readonly label: string;
  readonly fittedAt?: string;
  readonly problems: number;
  /** Median of a single branch without drafts. */
  readonly branchMs: number;
  readonly confidence: number;
  readonly stepTimes: readonly StepTime[];
  readonly candidates: readonly CandidatePoint[];
  readonly frontier: readonly PlannedPoint[];
  /** Plans as the deadline grows. */
  readonly split: readonly PlannedPoint[];
  /** What plans came to when they were run; empty where nobody did. */
  readonly measured: readonly MeasuredPlan[];
}

/** Median time of a pass, as the profile has it. */
export interface StepTime {
  readonly part: 'target' | 'draft' | 'prefill' | 'draft-prefill' | 'scorer';
  readonly rows: number;
  readonly newTokens: number;
  readonly contextTokens: number;
  readonly medianMs: number;
}

interface PlanFacts {
  readonly plan: string;
  readonly strategy: string;
  readonly branches: number;
  readonly draftLength: number | 'adaptive';
  readonly deadlineMs: number | null;
  readonly accuracy: number;
  readonly accuracyLow: number;
  readonly accuracyHigh: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly tokens: number;
}

/** A candidate under one of the fitted deadlines. */
export interface CandidatePoint extends PlanFacts {
  readonly source: 'replayed' | 'measured' | 'prior';
}

/** The plan chosen for a deadline. */
export type PlannedPoint = PlanFacts;

export interface MeasuredPlan {
  readonly part: string;
  readonly rule: string;
  readonly plan: string;
  readonly deadlineMs: number;
  readonly predictedAccuracy: number;
  readonly accuracy: number;
  readonly predictedP50: number;
  readonly p50: number;
  readonly predictedP95: number;
  readonly p95: number;
}
