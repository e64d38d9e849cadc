/** One turn of a conversation. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/**
 * What a model is asked. A string is one user turn; a list of messages is a conversation; both go through the model's
 * chat template. `{ text }` is taken as it is, without a template.
 */
export type Prompt = string | readonly Message[] | { readonly text: string };
