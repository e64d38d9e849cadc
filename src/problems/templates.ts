/**
 * Sentence templates. Slots: `{name}`, `{other}` people; `{he}` the subject pronoun of the person the story follows;
 * `{items}`, `{goods}` counted things (the story's, and another kind); `{boxes}`, `{friends}`, `{place}`;
 * `{n}`, `{a}`, `{b}` numbers; `{times}` a factor in words. The first letter of a sentence is capitalised afterwards.
 *
 * @module
 */

export const TEMPLATES = {
  start: [
    '{name} has {n} {items}.',
    '{name} starts the day with {n} {items}.',
    '{name} owns {n} {items}.',
    'At first {name} has {n} {items}.',
    '{name} keeps {n} {items} at home.',
    'This morning {name} counts {n} {items}.',
  ],
  gain: [
    '{he} buys {n} more {items}.',
    '{he} finds {n} {items}.',
    '{he} gets {n} {items} from {other}.',
    'then {he} picks up {n} {items}.',
    '{other} gives {name} {n} more {items}.',
    'later {he} wins {n} {items}.',
    'after that {he} collects {n} more.',
    '{he} adds {n} {items} from the {place}.',
  ],
  lose: [
    '{he} loses {n} {items}.',
    '{he} gives {n} {items} to {other}.',
    'then {he} sells {n} {items}.',
    'on the way to the {place} {he} drops {n} {items}.',
    '{other} takes {n} of the {items}.',
    'later {he} gives away {n} of them.',
    'after that {he} throws out {n} {items}.',
    '{he} trades {n} {items} for a toy.',
  ],
  gainGroups: [
    '{he} buys {a} {boxes} with {b} {items} in each.',
    'then {he} gets {a} {boxes} of {b} {items}.',
    '{a} {friends} each give {name} {b} {items}.',
    '{other} brings {a} {boxes} that hold {b} {items} each.',
    'for {a} days {he} finds {b} {items} each day.',
  ],
  loseGroups: [
    '{he} gives {b} {items} to each of {a} {friends}.',
    'then {he} sells {a} {boxes} with {b} {items} in each.',
    '{a} {friends} each take {b} of the {items}.',
    'for {a} days {he} uses {b} {items} each day.',
    'later {he} loses {a} {boxes} of {b} {items}.',
  ],
  multiply: [
    'then the number of {items} grows to {times} as many.',
    'by evening {he} has {times} as many {items}.',
    'after a trip to the {place} {he} has {times} as many.',
  ],
  handOver: ['{other} has {times} as many {items} as {name}.', '{other} owns {times} as many as {name} does.'],
  divideAmong: [
    '{he} shares them equally among {n} {friends}. {other} is one of the {friends}.',
    '{he} splits all of them equally among {n} {friends}, and {other} is one of these.',
  ],
  divide: [
    'then {he} splits them equally into {n} {boxes} and keeps only one of these.',
    'the {items} are packed into {n} equal {boxes} and {he} takes one of these.',
  ],
  distractor: [
    '{other} is {n} years old.',
    'the {place} is {n} miles away.',
    '{other} has {n} {goods}.',
    'there are {n} people at the {place}.',
    'it takes {n} minutes to walk to the {place}.',
    'one of the {goods} costs {n} dollars.',
    '{name} reads {n} pages of a book.',
  ],
  askTotal: [
    'How many {items} does {name} have now?',
    'How many {items} are left with {name}?',
    'What is the number of {items} that {name} has in the end?',
    'In the end, how many {items} does {name} have?',
  ],
  askMore: ['{other} has {n} {items}. How many more {items} does {name} have than {other}?'],
  askTogether: [
    '{other} has {n} {items}. How many {items} do {name} and {other} have together?',
    'How many {items} do {name} and {other} have in total if {other} has {n}?',
  ],
  askEarn: [
    '{name} sells all of the {items} for {n} dollars each. How many dollars does {name} get?',
    'Each of the {items} costs {n} dollars. How many dollars are all of them worth?',
  ],
  askShare: [
    '{name} shares all of the {items} equally among {n} {friends}. How many {items} does each one get?',
    'How many {items} are in each one if {name} packs all of them into {n} equal {boxes}?',
  ],
} as const satisfies Record<string, readonly string[]>;

export type TemplateName = keyof typeof TEMPLATES;
