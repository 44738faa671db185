/** The encoder's thread. */

import { parentPort, workerData } from 'node:worker_threads';
import { realFileSystem } from '../file-system.ts';
import { EncoderWork } from './encoder-work.ts';
import type { Message, WorkerOptions } from './messages.ts';

if (parentPort !== null) {
  const options: WorkerOptions = workerData;
  const work = new EncoderWork(parentPort, options, realFileSystem);
  parentPort.on('message', (message: Message) => work.handle(message));
}
