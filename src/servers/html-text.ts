/** Of a page, what is read of it. */
const LONGEST_PAGE = 8 * 1024;
const MARKUP = /<(?:!doctype\b|\/?(?:html|head|body|title|center|h[1-6]|p|div|br|hr)\b)/i;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', '#39': "'" };

/** What a page of HTML says, in a few words: its title, else its heading, else its text. Other texts stay as they are. */
export function withoutHtml(text: string): string {
  if (!MARKUP.test(text)) return text;
  const page = text.slice(0, LONGEST_PAGE).replace(/<!--[^]*?(?:-->|$)|<(script|style)\b[^]*?(?:<\/\1>|$)/gi, ' ');
  const found = [/<title[^>]*>([^<]*)/i, /<h\d[^>]*>([^]*?)<\/h\d>/i].map((pattern) => plain(pattern.exec(page)?.[1] ?? ''));
  return found.find((words) => words !== '') ?? plain(page);
}

function plain(html: string): string {
  return html
    .replace(/<[^>]*(?:>|$)/g, ' ')
    .replace(/&(#?\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole)
    .replace(/\s+/g, ' ')
    .trim();
}
