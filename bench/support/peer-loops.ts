/** What peers do question by question, on the wall's clock: votes, and single greedy texts. */
import { performance } from 'node:perf_hooks';
import { mean } from 'simple-statistics';
import { countVotes, equivalent, extractAnswer } from 'latency-tts';
import type { DecodeRequest } from './candidate.ts';
import { loadPeers, type Contestant } from './contestants.ts';
import { LlamaProcess, missingLlama } from './llama-candidate.ts';
import type { BenchProblem } from './optimizer-problems.ts';
import { GREEDY_LABEL, type TimeToAccuracy } from './optimizer-report.ts';
import type { Setting } from './speculative-roster.ts';
import { tryOut } from './try-out.ts';

/** Texts of a vote. */
export const VOTERS = 8;
export const MOST_TOKENS = 160;

/** What peers do in a loop: a plain vote, or one greedy text a question. */
interface PeerLoop extends Setting {
  readonly label: string;
}

const VOTE: PeerLoop = { label: '', branches: VOTERS, temperature: 1 };
const GREEDY: PeerLoop = { label: `${GREEDY_LABEL}, `, branches: 1, temperature: 0 };

/** Wall time and accuracy of a loop on a peer. */
async function timesOf({ candidate, threads }: Contestant, loop: PeerLoop, problems: readonly BenchProblem[]): Promise<TimeToAccuracy> {
  const times: number[] = [];
  let right = 0;
  for (const [seed, { prompt }] of problems.entries()) {
    const startedAt = performance.now();
    const { texts } = await candidate.run(requestOf(loop, prompt, seed));
    const [winner] = countVotes(new Map(texts.map((text, branch) => [branch, extractAnswer(text)])));
    times.push(performance.now() - startedAt);
    if (winner && equivalent(winner.answer, problems[seed]!.reference)) right++;
  }
  return { who: `${candidate.name}, ${loop.label}${threads} threads`, milliseconds: mean(times), accuracy: right / problems.length };
}

function requestOf({ branches, temperature }: Setting, question: string, seed: number): DecodeRequest {
  return { question, branches, seed, temperature, maxTokens: MOST_TOKENS };
}

/** All peers, each in every setting that is not clearly worse than another of its own. */
export async function peerTimes(
  problems: readonly BenchProblem[],
  say: (text: string) => void,
): Promise<{ readonly votes: readonly TimeToAccuracy[]; readonly greedy: readonly TimeToAccuracy[] }> {
  const missing = missingLlama();
  if (missing) say(`node-llama-cpp is left out: ${missing}`);
  const llama = missing ? undefined : await LlamaProcess.start();
  const peers = await loadPeers(llama);
  say('which settings suit the peers');
  const takesPart = await tryOut(peers, [VOTE, GREEDY], (setting) => problems.slice(0, 3).map(({ prompt }, seed) => requestOf(setting, prompt, seed)));
  const timesIn = async (loop: PeerLoop): Promise<TimeToAccuracy[]> => {
    const times: TimeToAccuracy[] = [];
    for (const peer of peers.filter((candidate) => takesPart(candidate, loop))) {
      say(`${peer.candidate.name}, ${loop.label}${peer.threads} threads`);
      times.push(await timesOf(peer, loop, problems));
    }
    return times;
  };
  const times = { votes: await timesIn(VOTE), greedy: await timesIn(GREEDY) };
  for (const { candidate } of peers) await candidate.dispose();
  await llama?.stop();
  return times;
}
