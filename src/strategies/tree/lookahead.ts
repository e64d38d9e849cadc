import type { Branch, Session } from '../../contracts/engine.ts';
import type { ScoredText } from '../../contracts/scorer.ts';
import type { StrategyRun } from '../strategy-run.ts';
import { distinctPaths, type Path } from './path.ts';
import type { TreePolicy } from './tree-options.ts';

/** Looks where paths lead: some greedy steps from each, which are rolled back. */
export class Lookahead {
  readonly #run: StrategyRun;
  readonly #policy: Pick<TreePolicy, 'lookahead' | 'stepStop' | 'maxStepTokens' | 'solution'>;
  /** Samples greedily, which a session decides for all of its branches. */
  #session: Session | undefined;

  constructor(run: StrategyRun, policy: Pick<TreePolicy, 'lookahead' | 'stepStop' | 'maxStepTokens' | 'solution'>) {
    this.#run = run;
    this.#policy = policy;
  }

  /** @returns by text of a path, the text it leads to; a path that cannot be followed is left out. */
  async look(paths: readonly Path[], deadlineAt: number, reserveSteps: number): Promise<ReadonlyMap<string, ScoredText>> {
    const { scope } = this.#run;
    if (this.#policy.lookahead === 0 || paths.length === 0 || scope.clock.now() >= deadlineAt) return new Map();
    try {
      this.#session ??= await this.#run.openFurther({ sampling: { ...this.#policy.solution.sampling, temperature: 0 } });
    } catch {
      scope.signal?.throwIfAborted();
      return new Map();
    }
    const session = this.#session;
    const texts = distinctPaths(paths).map(({ text }) => text);
    const ahead = await Promise.all(texts.map((text) => this.#follow(session.branch(1)[0]!, text, { deadlineAt, reserveSteps })));
    return new Map(texts.flatMap((text, index) => (ahead[index] ? [[text, ahead[index]] as const] : [])));
  }

  async #follow(branch: Branch, text: string, limits: { readonly deadlineAt: number; readonly reserveSteps: number }): Promise<ScoredText | undefined> {
    const { lookahead, stepStop, maxStepTokens } = this.#policy;
    const { signal } = this.#run.scope;
    try {
      await branch.force(text);
      for (let step = 0; step < lookahead; step++) {
        const { finish } = await branch.advance({ until: { stop: stepStop, tokens: maxStepTokens }, ...limits, ...(signal && { signal }) });
        if (finish === 'end') return { text: branch.text, isFinished: true };
        if (finish !== 'stop' && finish !== 'length') break;
      }
      return { text: branch.text, isFinished: false };
    } catch {
      signal?.throwIfAborted();
      return undefined;
    } finally {
      branch.abort();
    }
  }
}
