/** A text without its last step, which may still go on; all of it where it ends with the separator. */
export function wholeSteps(text: string, separator: string): string {
  const end = text.lastIndexOf(separator);
  return end < 0 ? '' : text.slice(0, end + separator.length);
}
