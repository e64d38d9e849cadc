/**
 * Word problems for demonstrations, tests and calibration: `latency-tts/problems`.
 *
 * @module
 */
export { formatSolution, generateProblems, TIERS, type GenerateProblemsOptions, type Problem, type Split, type Tier } from './generate-problems.ts';
export type { SolutionStep } from './story.ts';
