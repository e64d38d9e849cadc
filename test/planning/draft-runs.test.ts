/** What recorded drafts are good for: a replay takes as many rounds as the models do, whatever the length of drafts. */
import { expect, onTestFinished, test } from 'vitest';
import { bundledModels, recordTraces, recordedOutcomes, ReplayBank, ReplayEngine, SimulatedClock, SpeculativeDecoder } from 'latency-tts';
import type { Engine, LatencyProfile, ProblemTrace, SessionOptions } from 'latency-tts';
import { generateProblems } from 'latency-tts/problems';

const PROFILE: LatencyProfile = { label: 'even', parts: ['target', 'draft', 'prefill'], passMs: () => 1, spread: () => 1, requestMs: 0 };
const BRANCHES = 4;

async function passes(engine: Engine, trace: ProblemTrace, options: SessionOptions): Promise<number> {
  const session = await engine.open(trace.prompt, { seed: trace.seed, ...options });
  await Promise.all(session.branch(BRANCHES).map((branch) => branch.advance({})));
  const { forwardCount } = session.usage();
  await session.dispose();
  return forwardCount;
}

test('a replay of recorded drafts takes as many passes as the models', async () => {
  const { target, draft } = await bundledModels();
  const engine = new SpeculativeDecoder({ target, draft });
  onTestFinished(() => engine.dispose());
  const problems = generateProblems({ seed: 5, tier: 3, count: 24, split: 'calibration' }).map(({ question, answer }, index) => ({
    id: String(index),
    prompt: question,
    reference: answer,
  }));
  const traces: ProblemTrace[] = [];
  for await (const trace of recordTraces({ engine, problems, branches: BRANCHES, probes: false })) traces.push(trace);
  expect(traces[0]!.draftRuns!.map(({ length }) => length)).toEqual([1, 2, 4, 8]);
  const acceptance = recordedOutcomes(traces)!;
  for (const draftLength of [2, 4, 8]) {
    let [real, simulated] = [0, 0];
    for (const trace of traces) {
      real += await passes(engine, trace, { draftLength });
      const clock = new SimulatedClock();
      const replay = new ReplayEngine({ bank: new ReplayBank([trace]), profile: PROFILE, clock, acceptance, draftLength });
      simulated += await passes(replay, trace, { clock });
    }
    expect(simulated / real, `drafts of ${draftLength}`).toBeGreaterThan(0.93);
    expect(simulated / real, `drafts of ${draftLength}`).toBeLessThan(1.07);
  }
});
