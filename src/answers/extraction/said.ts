const THOUGHT = String.raw`(?:think|thinking|thought|reasoning)`;
const END_OF_THOUGHT = new RegExp(String.raw`</${THOUGHT}>|\[/THINK\]`, 'gi');
const START_OF_THOUGHT = new RegExp(String.raw`<${THOUGHT}>|\[THINK\]`, 'i');

/**
 * What a text says after thinking. Where nothing follows a finished thought it is the thought that speaks; a thought that is
 * not finished says nothing.
 */
export function saidIn(text: string): string {
  const end = [...text.matchAll(END_OF_THOUGHT)].at(-1);
  const after = end ? text.slice(end.index + end[0].length) : text;
  const said = after.trim() === '' && end ? text.slice(0, end.index).replace(START_OF_THOUGHT, '') : after;
  const start = START_OF_THOUGHT.exec(said);
  return start ? said.slice(0, start.index) : said;
}

const BLOCK_TAG = /<\/?(?:p|div|li|br|td|tr)\b[^<>]{0,80}>/gi;
/** Tags of emphasis, and marks that models end a turn with. */
const INLINE_TAG = /<\/?(?:[biu]|em|strong|span|code)(?:\s[^<>]{0,80})?>|<\|[^|<>\s]{1,30}\|>|<\/s>/gi;

/** What a text says, without tags of HTML. */
export function proseIn(text: string): string {
  return saidIn(text).replace(INLINE_TAG, '').replace(BLOCK_TAG, '\n');
}

export function withoutQuestions(text: string): string {
  return text
    .split(/(?<=[.!?]\s|[？\n])/)
    .filter((sentence) => !/[?？]\s?$/.test(sentence))
    .join('');
}
