import type { Prompt } from '../../contracts/prompt.ts';
import type { StrategyRequest } from '../../contracts/strategy.ts';
import { StrategyRun } from '../strategy-run.ts';
import { Lookahead } from './lookahead.ts';
import type { Path } from './path.ts';
import { StepMachine } from './step-machine.ts';
import type { TreePolicy } from './tree-options.ts';
import { chooseSolution, concludeSearch, type TreeSearchResult } from './tree-result.ts';

/** How one search spends its width. */
export interface TreeShape {
  /** How many paths the first step is taken on. */
  readonly paths: number;
  /** The tree of the path with this index. @default one tree */
  readonly treeOf?: (index: number) => number;
  /**
   * How many copies of each path that can go on are continued; 0 drops it.
   *
   * @param live - The paths that can go on, in the order of their branches.
   * @param ended - All paths that have ended, in the order they did.
   */
  allocate(live: readonly Path[], ended: readonly Path[]): readonly number[];
}

/** Grows trees from a prompt, step by step: all paths together, then scores, then the next allocation. */
export function searchTree(name: string, request: StrategyRequest, policy: TreePolicy, shape: TreeShape): Promise<TreeSearchResult> {
  return StrategyRun.conduct(name, request, { sampling: policy.solution.sampling, scorer: policy.scorer }, async (run) => {
    const machine = treeMachine(run, request.prompt, policy);
    let live = machine.start(shape.paths, shape.treeOf);
    while (live.length > 0 && machine.hasTime(live.length)) {
      live = await machine.round(live, stepBoundary(policy, machine.roundCount));
      if (machine.isOutOfTime) break;
      const copies = shape.allocate(live, machine.ended);
      live = live.flatMap((path, index) => machine.split(path, copies[index]!));
    }
    await machine.finish(live);
    return concludeSearch(machine, chooseSolution(machine.ended, policy.select, policy.isSame));
  });
}

/** The machine of a search by steps. */
export function treeMachine(run: StrategyRun, prompt: Prompt, policy: TreePolicy): StepMachine {
  return new StepMachine(run, prompt, policy, new Lookahead(run, policy));
}

/** Where the step with this index, from 0, ends. The last one goes on to the end of the text. */
export function stepBoundary({ stepStop, maxStepTokens, maxSteps }: TreePolicy, step: number): { stop?: readonly string[]; tokens?: number } {
  return step + 1 < maxSteps ? { stop: stepStop, tokens: maxStepTokens } : {};
}
