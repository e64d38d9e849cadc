import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Candidate, Threads } from './candidate.ts';
import { LibraryCandidate, targetFacts } from './library-candidate.ts';
import { LlamaCandidate, type LlamaProcess } from './llama-candidate.ts';
import { LENGTHS, OURS, type Entry, type Group } from './speculative-roster.ts';
import { ThreadChoice } from './thread-choice.ts';
import { TransformersCandidate } from './transformers-candidate.ts';

/** Somebody of the roster, loaded. */
export interface Contestant {
  readonly entry: Entry;
  readonly candidate: Candidate;
}

/**
 * Loads everyone. Peers run at whichever number of threads is fastest for them.
 *
 * @param threads - Of our sessions.
 * @param llama - Where node-llama-cpp is installed.
 */
export async function loadContestants(threads: Threads, llama: LlamaProcess | undefined): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const entry of [...OURS, ...LENGTHS]) {
    contestants.push({ entry, candidate: await LibraryCandidate.loadNamed(entry.name, entry.options, { thread: 'worker', threads }) });
  }
  const addPeer = async (group: Group, load: (threads: number) => Candidate | Promise<Candidate>): Promise<void> => {
    const candidate = new ThreadChoice(new Map(await Promise.all(threadChoices().map(async (choice) => [choice, await load(choice)] as const))));
    contestants.push({ entry: { name: candidate.name, group }, candidate });
  };
  await addPeer('transformers.js', (choice) => TransformersCandidate.load('built-in', choice));
  await addPeer('tuned-transformers.js', (choice) => TransformersCandidate.load('gumbel', choice));
  if (!llama) return contestants;
  const facts = { ...(await targetFacts()), endToken: endTokenOf('models/target/generation_config.json') };
  for (const predictor of ['none', 'draft', 'lookup'] as const)
    await addPeer('node-llama-cpp', (choice) => new LlamaCandidate(llama, predictor, choice, facts));
  return contestants;
}

function threadChoices(): number[] {
  return [...new Set([1, availableParallelism()])];
}

function endTokenOf(path: string): number {
  return (JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as { eos_token_id: number }).eos_token_id;
}
