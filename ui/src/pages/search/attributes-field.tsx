/** Attributes as logfmt, with the known keys suggested for the word the caret is in. */
import { useLingui } from '@lingui/react/macro';
import { useQuery } from '@tanstack/react-query';
import { attributeKeysQuery } from '../../api/queries.ts';
import { SuggestField } from '../../components/suggest-field.tsx';
import { suggestNames } from '../../model/suggest.ts';
import { wordAt } from '../../model/tags.ts';

interface AttributesFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly isBad: boolean;
}

export function AttributesField({ value, onChange, isBad }: AttributesFieldProps) {
  const { t } = useLingui();
  const keys = useQuery(attributeKeysQuery());
  const problem = t`Write key=value, apart by spaces; quote a value with spaces.`;

  function suggest(text: string, caret: number): readonly string[] {
    const { word } = wordAt(text, caret);
    return word.includes('=') ? [] : suggestNames(keys.data ?? [], word);
  }
  function complete(key: string, caret: number) {
    const { start, word } = wordAt(value, caret);
    onChange(`${value.slice(0, start)}${key}=${value.slice(start + word.length)}`);
  }

  return (
    <SuggestField
      className="min-w-56 flex-1"
      inputClass="font-mono text-xs"
      label={t`Attributes`}
      placeholder="http.response.status_code=503 user.tier=gold"
      value={value}
      onChange={onChange}
      suggest={suggest}
      onPick={complete}
      {...(isBad ? { problem } : {})}
    />
  );
}
