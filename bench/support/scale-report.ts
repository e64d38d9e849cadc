import { branchesThatFit, decodeFluid, rooflineProfile, type FluidRun, type HardwareName, type ModelShapeName, type RooflineProfile } from 'latency-tts';
import { markdownTable } from './report-files.ts';

/** Everything that the page's tables assume, beside the presets. */
export const ASSUMPTIONS = {
  promptTokens: 200,
  lengths: { medianTokens: 600, sigma: 0.6, mostTokens: 4096 },
  acceptance: 0.75,
  straggling: 0.05,
} as const;

const BRANCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const DEADLINES_MS = [10_000, 60_000];
const MODELS = [
  { name: '3B', target: 'qwen2.5-3b', draft: 'qwen2.5-0.5b' },
  { name: '32B', target: 'qwen2.5-32b', draft: 'qwen2.5-1.5b' },
] as const satisfies readonly { readonly name: string; readonly target: ModelShapeName; readonly draft: ModelShapeName }[];
const MACHINES = (['a100-80gb', 'h100-sxm'] as const satisfies readonly HardwareName[]).flatMap((hardware) => [1, 8].map((gpus) => ({ hardware, gpus })));

function runOf(profile: RooflineProfile, branches: number, draftLength?: 0): FluidRun | undefined {
  const { promptTokens, lengths } = ASSUMPTIONS;
  const fits = branchesThatFit(profile, { promptTokens, branchTokens: lengths.mostTokens, withDraft: draftLength !== 0 });
  if (branches > fits) return undefined;
  return decodeFluid(profile, { ...ASSUMPTIONS, branches, ...(draftLength === 0 && { draftLength }) });
}

/** The most branches of which all but the stragglers finish in time. */
function planOf(profile: RooflineProfile, deadlineMs: number, draftLength?: 0): { readonly branches: number; readonly run: FluidRun } | undefined {
  const runs = BRANCHES.map((branches) => ({ branches, run: runOf(profile, branches, draftLength) }));
  const inTime = runs.filter((plan): plan is { branches: number; run: FluidRun } => plan.run !== undefined && plan.run.finishedMs <= deadlineMs);
  return inTime.at(-1);
}

/** One row for each model, machine and deadline. */
export function plansTable(): string {
  const rows = MODELS.flatMap(({ name, target, draft }) =>
    MACHINES.flatMap(({ hardware, gpus }) => {
      const profile = rooflineProfile(hardware, target, { draft, gpus });
      return DEADLINES_MS.map((deadlineMs) => {
        const plan = planOf(profile, deadlineMs);
        const plain = planOf(profile, deadlineMs, 0);
        const single = runOf(profile, 1);
        const cells = plan
          ? [String(plan.branches), plan.run.draftLengths.join(' → '), seconds(plan.run.finishedMs)]
          : ['none', '–', single ? seconds(single.finishedMs) : '–'];
        return [name, `${gpus} × ${profile.hardware.name.replace('NVIDIA ', '')}`, `${deadlineMs / 1000} s`, ...cells, plain ? String(plain.branches) : 'none'];
      });
    }),
  );
  return markdownTable(['model', 'hardware', 'deadline', 'branches', 'draft length, first → last', 'finished after', 'branches without a draft'], rows);
}

/** How the draft shrinks as branches are added, on one machine. */
export function splitTable(): string {
  const columns = MODELS.flatMap(({ name, target, draft }) =>
    [1, 8].map((gpus) => ({ head: `${name}, ${gpus} × H100`, profile: rooflineProfile('h100-sxm', target, { draft, gpus }) })),
  );
  const rows = BRANCHES.map((branches) => [
    String(branches),
    ...columns.map(({ profile }) => {
      const run = runOf(profile, branches);
      return run ? `k = ${run.draftLengths[0]}, ${run.firstRate.toFixed(0)} tokens/s, ${seconds(run.finishedMs)}` : 'does not fit';
    }),
  ]);
  return markdownTable(['branches', ...columns.map(({ head }) => head)], rows);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
