/** Runs one batch through a processor that makes one batch of one. */
import type { Batch } from '../../component/consumer.ts';
import type { ProcessorDefinition } from '../../component/define.ts';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { isSpans } from '../../component/consumer.ts';
import { decode } from '../../config/decode.ts';

const never = new AbortController().signal;

/** The batch that comes out; undefined when none does. */
export function editing(definition: ProcessorDefinition, settings: object) {
  return async (batch: Batch): Promise<Batch | undefined> => {
    const { value, problems } = decode(definition.config, settings);
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
    const next = new RecordingConsumer();
    const signal = isSpans(batch) ? 'traces' : batch.signal;
    const processor = definition.create({ ...testContext(value), signal, next });
    await processor.consume(batch, never);
    return next.batches[0];
  };
}
