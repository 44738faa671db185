/** The host that components of a running process see: what is lent, what was announced, how each
 *  one is. Every instance has its own view; what it lends and says is there while it runs, so that
 *  its successor can be built beside it and fail without a trace. */
import type { Capability, Endpoint, Host } from '../component/host.ts';
import type { ComponentStatus, StatusBoard } from '../component/status.ts';

export class ProcessHost {
  readonly #views = new Set<ComponentHost>();
  readonly #board: StatusBoard;
  readonly #onFatal: (error: unknown) => void;

  constructor(board: StatusBoard, onFatal: (error: unknown) => void) {
    this.#board = board;
    this.#onFatal = onFatal;
  }

  get endpoints(): readonly Endpoint[] {
    return [...this.#views].flatMap((view) => view.endpoints);
  }

  get notices(): readonly string[] {
    return [...this.#views].flatMap((view) => view.notices);
  }

  /** @param component for example `receiver:otlp` */
  viewFor(component: string): ComponentHost {
    const views = this.#views;
    const board = this.#board;
    const lent = new Map<string, unknown>();
    const endpoints: Endpoint[] = [];
    const notices: string[] = [];
    const report = (status: ComponentStatus, error?: string) => {
      if (views.has(view)) board.set(component, status, error);
    };
    const view: ComponentHost = {
      endpoints,
      notices,
      lent,
      lend: (what, name, value) => void lent.set(lentKey(what, name), value),
      find: <T>(what: Capability<T>, name: string) => this.#find(what, name),
      announce: (endpoint) => void endpoints.push(endpoint),
      notice: (text) => void notices.push(text),
      reportStatus: report,
      status: () => board.report(),
      fail: (error) => {
        report('StatusFatalError', String(error));
        if (views.has(view)) this.#onFatal(error);
      },
      join: () => void views.add(view),
      leave: () => void views.delete(view),
    };
    return view;
  }

  #find<T>(what: Capability<T>, name: string): T | undefined {
    const key = lentKey(what, name);
    const lender = [...this.#views].find(({ lent }) => lent.has(key));
    // oxlint-disable-next-line typescript/consistent-type-assertions, typescript/no-unsafe-type-assertion -- `lend` put a T under this key
    return lender?.lent.get(key) as T | undefined;
  }
}

/** What one instance sees, and what the process keeps of it. */
export interface ComponentHost extends Host {
  readonly endpoints: readonly Endpoint[];
  readonly notices: readonly string[];
  readonly lent: ReadonlyMap<string, unknown>;
  /** From now on what it says and lends counts. */
  join(): void;
  leave(): void;
}

function lentKey(what: Capability<unknown>, name: string): string {
  return `${what.name}\n${name}`;
}
