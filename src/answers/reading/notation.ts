/**
 * From Unicode to the plain notation that the lexer reads.
 *
 * @module
 */
import { plainCharacters } from './characters.ts';

/** Characters and what stands for them, in pairs. */
const SYMBOLS = `— - ∗ * ′ ' ’ ' ‘ ' “ " ” " （ ( ） )  ： : ； ; 。 . ％ % ‰ /1000 ＝ = ＋ + ＜ < ＞ > ［ [ ］ ] ｛ { ｝ } ∶ : ℯ e ⅈ i Å angstrom Å angstrom
  × \\times · \\cdot ⋅ \\cdot ∙ \\cdot • \\cdot ÷ \\div √ \\sqrt ∛ \\cbrt ∞ \\infty ≤ \\le ⩽ \\le ≥ \\ge ⩾ \\ge ≦ \\le ≧ \\ge ≠ \\ne ≈ \\approx ≅ \\approx ≡ \\equiv
  ± \\pm ∓ \\mp ∪ \\cup ∩ \\cap ∖ \\setminus ∅ \\emptyset ∈ \\in ∣ \\mid ∥ \\Vert ⌊ \\lfloor ⌋ \\rfloor ⌈ \\lceil ⌉ \\rceil ⟨ \\langle ⟩ \\rangle
  … \\ldots ⋯ \\cdots ° \\degree º \\degree ˚ \\degree ∠ \\angle △ \\triangle ∧ \\land ∨ \\lor ∑ \\sum ∏ \\prod ∫ \\int → \\to ⇒ \\implies ∂ \\partial ℓ \\ell
  ℝ \\mathbb{R} ℤ \\mathbb{Z} ℕ \\mathbb{N} ℚ \\mathbb{Q} ℂ \\mathbb{C} α \\alpha β \\beta γ \\gamma δ \\delta ε \\epsilon ζ \\zeta η \\eta θ \\theta ϑ \\theta
  ι \\iota κ \\kappa λ \\lambda μ \\mu µ \\mu ν \\nu ξ \\xi π \\pi 𝜋 \\pi ρ \\rho σ \\sigma ς \\sigma τ \\tau υ \\upsilon φ \\phi ϕ \\phi χ \\chi ψ \\psi ω \\omega
  Γ \\Gamma Δ \\Delta Θ \\Theta Λ \\Lambda Ξ \\Xi Π \\Pi Σ \\Sigma Φ \\Phi Ψ \\Psi Ω \\Omega`;
const VULGAR_FRACTIONS = '½ 1 2 ⅓ 1 3 ⅔ 2 3 ¼ 1 4 ¾ 3 4 ⅕ 1 5 ⅖ 2 5 ⅗ 3 5 ⅘ 4 5 ⅙ 1 6 ⅚ 5 6 ⅐ 1 7 ⅛ 1 8 ⅜ 3 8 ⅝ 5 8 ⅞ 7 8 ⅑ 1 9 ⅒ 1 10';
const SUPERSCRIPTS = '⁰0¹1²2³3⁴4⁵5⁶6⁷7⁸8⁹9⁺+⁻-⁽(⁾)ⁿnⁱiˣxᵃaᵇbᵏkᵐmᵗt';
const SUBSCRIPTS = '₀0₁1₂2₃3₄4₅5₆6₇7₈8₉9₊+₋-ₙnᵢiₖkₘmₐaₓx';
const THIN_SPACES = /[\u2009\u200a\u202f]/g;
/** Names of modules before functions, as in `np.sqrt(2)`. */
const MODULES = /\b(?:np|numpy|math|sympy|sp)\.(?=[a-z])/g;
const INVISIBLE = /[\u200b-\u200d\u2060-\u2062\ufeff]/g;

/** A backslash that was escaped once too often. */
const ESCAPED_TWICE = /(?<!\\)\\\\(?=(?:[dt]?frac|sqrt|pi|left|right|text|cdot|times|infty|pm|begin|end|boxed)(?![a-zA-Z]))/g;

/** `\frac{\text{m}}{\text{s}^2}` is the unit m/s². */
const UNIT = String.raw`\\(?:text|mathrm|rm)\s*\{[^{}]*\}(?:\^\{?\d\}?)?`;
const UNIT_FRACTION = new RegExp(String.raw`\\[dt]?frac\s*\{\s*(${UNIT})\s*\}\s*\{\s*(${UNIT})\s*\}`, 'g');

const isCommand = (replacement: string): boolean => /^\\[a-z]+$/i.test(replacement);
const symbols = tuplesOf(SYMBOLS, 2).map(([character, replacement]): [string, string] => [
  character!,
  // A space keeps a command apart from a letter behind it.
  isCommand(replacement!) ? `${replacement} ` : replacement!,
]);
const fractions = tuplesOf(VULGAR_FRACTIONS, 3).map(([character, top, bottom]): [string, string] => [character!, `\\frac{${top}}{${bottom}}`]);
const REPLACEMENTS: ReadonlyMap<string, string> = new Map([...symbols, ...fractions]);

function tuplesOf(text: string, size: number): string[][] {
  const words = text.split(/\s+/);
  return Array.from({ length: words.length / size }, (_, index) => words.slice(index * size, (index + 1) * size));
}

/** The same text in ASCII, as far as its characters mean something in mathematics. */
export function plainNotation(text: string): string {
  const withScripts = scriptsReplaced(scriptsReplaced(text.replace(ESCAPED_TWICE, '\\').replace(UNIT_FRACTION, ' $1/$2'), SUPERSCRIPTS, '^'), SUBSCRIPTS, '_');
  const withSpaces = withScripts.replace(MODULES, '').replace(INVISIBLE, '').replace(THIN_SPACES, '\\,');
  return [...plainCharacters(withSpaces)].map((character) => REPLACEMENTS.get(character) ?? character).join('');
}

/** `x²³` becomes `x^{23}`. */
function scriptsReplaced(text: string, table: string, mark: string): string {
  const characters = [...table];
  const plain = new Map(Array.from({ length: characters.length / 2 }, (_, index) => [characters[2 * index]!, characters[2 * index + 1]!]));
  let result = '';
  let isOpen = false;
  for (const character of text) {
    const replacement = plain.get(character);
    if (replacement !== undefined && !isOpen) result += `${mark}{`;
    if (replacement === undefined && isOpen) result += '}';
    isOpen = replacement !== undefined;
    result += replacement ?? character;
  }
  return isOpen ? `${result}}` : result;
}
