/** What is typed into the attributes field: logfmt, `key=value` apart by spaces, all of which must
 *  hold on one span. A value with a space is quoted. */

export interface Tag {
  readonly key: string;
  readonly value: string;
}

const PAIR = /\s*([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)/y;

/** The pairs, or where the text stops making sense. */
export function parseTags(text: string): { tags: Tag[] } | { badAt: number } {
  const tags: Tag[] = [];
  const pattern = new RegExp(PAIR);
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    if (text.slice(at).trim() === '') break;
    const match = pattern.exec(text);
    if (match === null) return { badAt: at };
    const quoted = match[2]?.replaceAll(/\\(.)/g, '$1');
    tags.push({ key: match[1] ?? '', value: quoted ?? match[3] ?? '' });
  }
  return { tags };
}

export function formatTags(tags: readonly Tag[]): string {
  return tags.map(({ key, value }) => `${key}=${quote(value)}`).join(' ');
}

/** Jaeger's `tags` parameter: a JSON object of strings. */
export function tagsFromJson(json: string): Tag[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return [];
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return [];
  return Object.entries(parsed).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }));
}

export function tagsToJson(tags: readonly Tag[]): string | undefined {
  if (tags.length === 0) return undefined;
  return JSON.stringify(Object.fromEntries(tags.map(({ key, value }) => [key, value])));
}

/** Jaeger's older `tag=key:value`. */
export function tagFromColon(text: string): Tag | undefined {
  const colon = text.indexOf(':');
  return colon < 1 ? undefined : { key: text.slice(0, colon), value: text.slice(colon + 1) };
}

/** The word the caret is in, for completion of keys. */
export function wordAt(text: string, caret: number): { start: number; word: string } {
  const start = Math.max(text.lastIndexOf(' ', caret - 1), text.lastIndexOf('\n', caret - 1)) + 1;
  return { start, word: text.slice(start, caret) };
}

function quote(value: string): string {
  if (!/[\s"\\]/.test(value) && value !== '') return value;
  return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
