/** The encoder's thread on a file system of the thread that started it. */

import { parentPort, workerData } from 'node:worker_threads';
import { EncoderWork } from '../../../src/storage/embedded/encode/encoder-work.ts';
import type { Message } from '../../../src/storage/embedded/encode/messages.ts';
import { remoteFiles, type RemoteOptions } from './remote-files.ts';

if (parentPort !== null) {
  const { seed, port }: RemoteOptions = workerData;
  const work = new EncoderWork(parentPort, { seed }, remoteFiles(port));
  parentPort.on('message', (message: Message) => work.handle(message));
}
