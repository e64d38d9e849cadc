import type { Prompt } from '../contracts/prompt.ts';
import type { TimedScorer } from './scorer-ready.ts';

/** Tells a scorer what it will be asked about. What it cannot read ahead, a worker that will not start for one, its calls will tell. */
export function hintScorer(scorer: TimedScorer | undefined, prompt: Prompt, texts: readonly string[]): void {
  try {
    scorer?.readAhead?.(prompt, texts);
  } catch {
    // A hint gives nothing, so nothing is lost.
  }
}
