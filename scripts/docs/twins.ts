/** Compares a document with its translation: prose differs, the skeleton does not. */

interface Skeleton {
  readonly headings: readonly number[];
  readonly code: readonly string[];
  readonly links: readonly string[];
  readonly tableRows: number;
}

/** Comments inside code are prose. */
function withoutComments(code: string): string {
  return code.replace(/\s*#\s.*$/gm, '');
}

function skeleton(markdown: string): Skeleton {
  const fence = /^```.*?^```$/gms;
  const prose = markdown.replace(fence, '');
  const inText = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
  return {
    headings: [...prose.matchAll(/^(#+) /gm)].map(([, marks = '']) => marks.length),
    code: [...markdown.matchAll(fence)].map(([block]) => withoutComments(block)),
    links: [
      ...[...prose.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target),
      ...inText,
    ].toSorted(),
    tableRows: [...prose.matchAll(/^\|/gm)].length,
  };
}

type Values = readonly (string | number)[];

function firstDifference(left: Values, right: Values): string | undefined {
  const length = Math.max(left.length, right.length);
  for (let i = 0; i < length; i += 1) {
    if (left[i] !== right[i])
      return `${i + 1}: ${left[i] ?? 'nothing'} became ${right[i] ?? 'nothing'}`;
  }
  return undefined;
}

/** What the translation lacks or has too much, empty when it is a twin. */
export function differences(original: string, translation: string): string[] {
  const left = skeleton(original);
  const right = skeleton(translation);
  const otherName = (link: string) => !/^README(\.ko)?\.md$/.test(link);
  const found = [
    ['heading', firstDifference(left.headings, right.headings)],
    ['code block', firstDifference(left.code, right.code)],
    [
      'link or inline code',
      firstDifference(left.links.filter(otherName), right.links.filter(otherName)),
    ],
    ['table row', firstDifference([left.tableRows], [right.tableRows])],
  ];
  return found.flatMap(([what, where]) => (where === undefined ? [] : [`${what} ${where}`]));
}
