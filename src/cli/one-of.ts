import { InvalidOptionError } from '../errors.ts';

/** A flag whose choices depend on the model. @throws {InvalidOptionError} that lists the choices. */
export function oneOf<Choice extends string>(option: string, given: string | undefined, choices: readonly Choice[]): Choice | undefined {
  const choice = choices.find((one) => one === given);
  if (given !== undefined && choice === undefined) throw new InvalidOptionError(option, `one of ${choices.join(', ')} for this model`, given);
  return choice;
}
