/** `type` or `type/name`, as written in a configuration. Errors and metrics show what the user
 *  wrote; only the type part is looked up. */

export interface ComponentId {
  /** Trimmed on both sides of the slash. */
  readonly id: string;
  readonly type: string;
  readonly name: string | undefined;
}

const typePattern = /^[a-zA-Z]\w{0,62}$/;
const nameForbidden = /[\s\p{Cc}\p{S}]/u;

/** What is wrong with the id as a message, or the id. */
export function parseComponentId(written: string): ComponentId | string {
  const slash = written.indexOf('/');
  const type = (slash < 0 ? written : written.slice(0, slash)).trim();
  const name = slash < 0 ? undefined : written.slice(slash + 1).trim();
  if (type === '') return slash < 0 ? 'the id is empty' : 'the type before the slash is missing';
  if (name === '') return `the name after the slash is missing in "${written}"`;
  if (!typePattern.test(type)) {
    return `"${type}" is not a type: it starts with a letter, then letters, digits and _, at most 63`;
  }
  if (name !== undefined && (name.length > 1024 || nameForbidden.test(name))) {
    return `"${name}" is not a name: no spaces, control or symbol characters, at most 1024`;
  }
  return { id: name === undefined ? type : `${type}/${name}`, type, name };
}
