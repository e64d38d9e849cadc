/** What commands and words mean to the lexer. */

const wordsOf = (text: string): string[] => text.trim().split(/\s+/);

/** Commands that only move or style what follows. */
export const IGNORED_COMMANDS = new Set(
  wordsOf(`left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits
    quad qquad space hfill thinspace medspace enspace enskip nonumber notag centering mathstrut allowbreak nobreak relax rm bf it tt sf cal ensuremath boxed fbox
    underline cancel tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge bm boldsymbol mathbf mathit mathsf mathtt mathnormal pmb mathop mathrel mathbin mathord smash displaylines null protect noindent newline hline`),
);

/** Commands that are dropped together with their argument. */
export const IGNORED_WITH_ARGUMENT = new Set(wordsOf('hspace vspace phantom hphantom vphantom label tag color textcolor kern mkern mspace'));

/** Commands whose argument is prose or upright letters. */
export const TEXT_COMMANDS = new Set(
  wordsOf('text textbf textit textrm textsf texttt textnormal textup textsc mbox hbox emph mathrm operatorname textmd textstyle'),
);

/** Commands that stand for an operator of the lexer. */
export const OPERATOR_COMMANDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    cdot: '*', times: '*', ast: '*', bullet: '*', div: '/', pm: '±', mp: '∓', le: '<=', leq: '<=', leqslant: '<=', leqq: '<=', ge: '>=', geq: '>=', geqslant: '>=',
    geqq: '>=', lt: '<', gt: '>', ne: '!=', neq: '!=', approx: '≈', simeq: '≈', sim: '≈', approxeq: '≈', thickapprox: '≈', doteq: '≈', equiv: '≡', in: '∈', notin: '∉',
    cup: '∪', bigcup: '∪', cap: '∩', bigcap: '∩', setminus: '∖', smallsetminus: '∖', backslash: '∖', mid: '|', vert: '|', lvert: '(|', rvert: '|)', Vert: '||',
    lVert: '(||', rVert: '||)', lfloor: '⌊', rfloor: '⌋', lceil: '⌈', rceil: '⌉', langle: '⟨', rangle: '⟩', lbrace: '\\{', rbrace: '\\}', colon: ':', circ: '°',
    degree: '°', prime: "'", ldots: '…', cdots: '…', dots: '…', dotsc: '…', dotsb: '…', vdots: '…', land: 'and', wedge: 'and', lor: 'or', vee: 'or', lbrack: '[',
    rbrack: ']', lparen: '(', rparen: ')', implies: '⇒', Rightarrow: '⇒', iff: '⇒', Leftrightarrow: '⇒', rightarrow: '→', to: '→', pounds: '£', euro: '€',
  }),
); // prettier-ignore

const GREEK = wordsOf(
  `alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma
  Upsilon Phi Psi Omega hbar`,
);
const toItself = (name: string): [string, string] => [name, name];

const SYMBOL_NAMES: ReadonlyMap<string, string> = new Map([
  ...GREEK.map(toItself),
  // These are words too, so the symbols keep their backslash.
  ...wordsOf('ell partial nabla aleph mho odot oplus star').map((name): [string, string] => [name, `\\${name}`]),
  ['varepsilon', 'epsilon'],
  ['vartheta', 'theta'],
  ['varphi', 'phi'],
  ['varrho', 'rho'],
  ['varsigma', 'sigma'],
  ['infty', 'infinity'],
  ['imath', 'i'],
  ['hslash', 'hbar'],
]);

/** The symbol a command stands for. */
export const symbolOfCommand = (command: string): string | undefined => SYMBOL_NAMES.get(command);

const SYMBOL_WORDS: ReadonlyMap<string, string> = new Map([
  ...GREEK.map(toItself),
  ['infinity', 'infinity'],
  ['Infinity', 'infinity'],
  ['inf', 'infinity'],
  ['oo', 'infinity'],
]);

/** The symbol a bare word stands for. */
export const symbolOfWord = (word: string): string | undefined => SYMBOL_WORDS.get(word);

const FUNCTION_NAMES: ReadonlyMap<string, string> = new Map([
  ...wordsOf('sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth arcsinh arccosh arctanh ln log exp cis').map(toItself),
  ...wordsOf('asin acos atan asinh acosh atanh').map((name): [string, string] => [name, `arc${name.slice(1)}`]),
  ['lg', 'log'],
  ['tg', 'tan'],
  ['ctg', 'cot'],
  ['cosec', 'csc'],
]);
const FUNCTIONS_OF_COMMANDS = new Set(wordsOf('max min gcd lcm det dim ker deg arg sgn inf sup Re Im Pr erf'));
const FUNCTIONS_BEFORE_BRACKETS: ReadonlyMap<string, string> = new Map([
  ...wordsOf('max min gcd lcm floor ceil abs factorial binomial degrees').map(toItself),
  ['ceiling', 'ceil'],
  ['binom', 'binomial'],
]);

export const functionOfCommand = (command: string): string | undefined =>
  FUNCTION_NAMES.get(command) ?? (FUNCTIONS_OF_COMMANDS.has(command) ? command : undefined);

/** The function a bare word stands for; some are functions only before a bracket. */
export const functionOfWord = (word: string, isBeforeBracket: boolean): string | undefined =>
  FUNCTION_NAMES.get(word) ?? (isBeforeBracket ? FUNCTIONS_BEFORE_BRACKETS.get(word) : undefined);
