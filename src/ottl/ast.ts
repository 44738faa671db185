/** An OTTL condition as a tree, names not yet resolved. */

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'call'; readonly call: Call }
  | {
      readonly kind: 'compare';
      readonly by: CompareOp;
      readonly left: Expression;
      readonly right: Expression;
    };

export type CompareOp = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type MathOp = '+' | '-' | '*' | '/';

export type Expression =
  | {
      readonly kind: 'literal';
      readonly value: null | boolean | bigint | number | string | Uint8Array;
    }
  | { readonly kind: 'enum'; readonly name: string; readonly at: number }
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [string, Expression])[] }
  | {
      readonly kind: 'math';
      readonly op: MathOp;
      readonly left: Expression;
      readonly right: Expression;
    };

/** `span.attributes["a"]["b"]`: names, and the keys behind the last of them. */
export interface Path {
  readonly names: readonly string[];
  readonly keys: readonly Expression[];
  readonly at: number;
}

export interface Call {
  readonly name: string;
  readonly args: readonly Argument[];
  readonly keys: readonly Expression[];
  readonly at: number;
}

export interface Argument {
  /** Given as `name=value`. */
  readonly name?: string | undefined;
  readonly value: Expression;
}
