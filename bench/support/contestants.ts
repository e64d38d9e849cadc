import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Candidate, Threads } from './candidate.ts';
import { LibraryCandidate, targetFacts } from './library-candidate.ts';
import { LlamaCandidate, type LlamaProcess } from './llama-candidate.ts';
import { LENGTHS, OURS, type Entry, type Group } from './speculative-roster.ts';
import { TransformersCandidate } from './transformers-candidate.ts';

/** Somebody of the roster, loaded. */
export interface Contestant {
  readonly entry: Entry;
  readonly candidate: Candidate;
  /** Threads of its model. Peers are there once for each number of threads that could suit them. */
  readonly threads?: number;
}

/**
 * @param threads - Of our sessions.
 * @param llama - Where node-llama-cpp is installed.
 */
export async function loadContestants(threads: Threads, llama: LlamaProcess | undefined): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const entry of [...OURS, ...LENGTHS]) {
    contestants.push({ entry, candidate: await LibraryCandidate.loadNamed(entry.name, entry.options, { thread: 'worker', threads }) });
  }
  return [...contestants, ...(await loadPeers(llama))];
}

/** Everybody else, with one thread and with one a core. */
export async function loadPeers(llama: LlamaProcess | undefined): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  const addPeer = (group: Group, candidate: Candidate, choice: number): void => {
    contestants.push({ entry: { name: candidate.name, group }, candidate, threads: choice });
  };
  const facts = { ...(await targetFacts()), endToken: endTokenOf('models/target/generation_config.json') };
  for (const choice of threadChoices()) {
    addPeer('transformers.js', await TransformersCandidate.load('built-in', choice), choice);
    addPeer('tuned-transformers.js', await TransformersCandidate.load('gumbel', choice), choice);
    if (!llama) continue;
    for (const predictor of ['none', 'draft', 'lookup'] as const) addPeer('node-llama-cpp', new LlamaCandidate(llama, predictor, choice, facts), choice);
  }
  return contestants;
}

function threadChoices(): number[] {
  return [...new Set([1, availableParallelism()])];
}

function endTokenOf(path: string): number {
  return (JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as { eos_token_id: number }).eos_token_id;
}
