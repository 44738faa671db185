/** The encoder's work in this thread, on a file system of this thread: one disk, one count of calls
 *  and one place to break for a store and its encoder, and no thread to start for each of a thousand
 *  stores. Messages are copied as they are between threads. */

import { EventEmitter } from 'node:events';
import { MessageChannel, type Transferable, type Worker } from 'node:worker_threads';
import { EncoderWork } from '../../../src/storage/embedded/encode/encoder-work.ts';
import type { StartWorker } from '../../../src/storage/embedded/encode/encoder.ts';
import type { Message } from '../../../src/storage/embedded/encode/messages.ts';
import type { FileSystem } from '../../../src/storage/embedded/file-system.ts';

export function encoderHere(files: FileSystem): StartWorker {
  return ({ seed }) => {
    const { port1, port2 } = new MessageChannel();
    const work = new EncoderWork(port2, { seed }, files);
    port2.on('message', (message: Message) => work.handle(message));
    const here = Object.assign(new EventEmitter(), {
      postMessage: (message: Message, transfer: Transferable[] = []) =>
        port1.postMessage(message, transfer),
      terminate: async () => {
        port1.close();
        return 0;
      },
    });
    port1.on('message', (reply: unknown) => here.emit('message', reply));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that the encoder uses of one
    return here as unknown as Worker;
  };
}
