/** Finds the final answer in a text; `undefined` when there is none. Must not throw. */
export type AnswerExtractor = (text: string) => string | undefined;

/** Whether two extracted answers mean the same. */
export type AnswerEquivalence = (left: string, right: string) => boolean;
