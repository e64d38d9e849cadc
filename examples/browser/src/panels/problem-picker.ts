import type { Tier } from 'latency-tts/problems';
import { byId, radioGroup, setText } from '../dom.ts';
import type { Panel } from '../frame.ts';
import { problemAt } from '../problems.ts';
import type { ProblemState } from '../state.ts';

/** @param onChange - Told of the problem that was picked or typed. */
export function createProblemPicker(onChange: (problem: ProblemState) => void): Panel {
  const text = byId('problem', HTMLTextAreaElement);
  const note = byId('problem-note', HTMLElement);
  let problem: ProblemState | undefined;
  let place = 0;

  const pick = (tier: Tier): void => {
    const { question, answer } = problemAt(tier, place++);
    onChange({ question, tier, answer });
  };
  const tiers = radioGroup('tier', (tier) => pick(Number(tier) as Tier));
  byId('another-problem', HTMLButtonElement).addEventListener('click', () => pick(problem?.tier ?? 4));
  text.addEventListener('input', () => onChange({ question: text.value, tier: problem?.tier ?? 4, answer: undefined }));

  return ({ state }) => {
    if (state.problem === problem) return;
    problem = state.problem;
    if (text.value !== problem.question) text.value = problem.question;
    tiers.select(String(problem.tier));
    setText(note, noteOn(problem));
  };
}

function noteOn({ question, answer }: ProblemState): string {
  if (question.trim() === '') return 'Type a problem, or take another one.';
  if (answer === undefined) return 'Your own. The models know stories with + − × ÷ on whole numbers below a thousand, and nothing else.';
  return 'Generated, held out from training. Edit it as you like.';
}
