const NUMBER_ALONE = /^([-+]?)(\d{1,3}(?:,\d{3})+|\d*)(?:\.(\d+))?$/;

/** Numbers in one form, so that `$1,200.50` and `1200.5` are one answer; other text as it stands. `undefined` where nothing is left. */
export function cleanAnswer(text: string): string | undefined {
  const trimmed = text.trim().replace(/\.$/, '');
  if (!trimmed) return undefined;
  const [, sign, integer = '', decimals = ''] = NUMBER_ALONE.exec(trimmed.replace(/\$/g, '')) ?? [];
  if (integer + decimals === '') return trimmed;
  const whole = integer.replaceAll(',', '').replace(/^0+(?=\d)/, '') || '0';
  const fraction = decimals.replace(/0+$/, '');
  const magnitude = fraction ? `${whole}.${fraction}` : whole;
  return sign === '-' && magnitude !== '0' ? `-${magnitude}` : magnitude;
}
