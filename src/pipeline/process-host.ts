/** The host that components of a running process see: what is lent, what was announced, how each
 *  one is. Every component gets its own view, so that it reports under its own name. */
import type { Capability, Endpoint, Host } from '../component/host.ts';
import type { StatusBoard } from '../component/status.ts';

export class ProcessHost {
  readonly endpoints: Endpoint[] = [];
  readonly notices: string[] = [];
  readonly #lent = new Map<string, unknown>();
  readonly #board: StatusBoard;
  readonly #onFatal: (error: unknown) => void;

  constructor(board: StatusBoard, onFatal: (error: unknown) => void) {
    this.#board = board;
    this.#onFatal = onFatal;
  }

  /** @param component for example `receiver:otlp` */
  viewFor(component: string): Host {
    const board = this.#board;
    return {
      lend: (what, name, value) => void this.#lent.set(lentKey(what, name), value),
      find: <T>(what: Capability<T>, name: string) => this.#find(what, name),
      announce: (endpoint) => void this.endpoints.push(endpoint),
      notice: (text) => void this.notices.push(text),
      reportStatus: (status, error) => board.set(component, status, error),
      status: () => board.report(),
      fail: (error) => {
        board.set(component, 'StatusFatalError', String(error));
        this.#onFatal(error);
      },
    };
  }

  #find<T>(what: Capability<T>, name: string): T | undefined {
    // oxlint-disable-next-line typescript/consistent-type-assertions, typescript/no-unsafe-type-assertion -- `lend` put a T under this key
    return this.#lent.get(lentKey(what, name)) as T | undefined;
  }
}

function lentKey(what: Capability<unknown>, name: string): string {
  return `${what.name}\n${name}`;
}
