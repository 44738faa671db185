import { z } from 'zod';
import { duration } from '../../config/kinds.ts';

const accepted = () =>
  z
    .unknown()
    .optional()
    .describe('Accepted; values lie in files of their own, nothing is compacted.');

export const FileStorageConfig = z.strictObject({
  directory: z
    .string()
    .min(1)
    .default('/var/lib/otelcol/file_storage')
    .describe('Where values are kept; it must exist unless create_directory is set.'),
  create_directory: z.boolean().default(false).describe('Make the directory when it is missing.'),
  directory_permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'expected octal permissions like 0750')
    .default('0750')
    .describe('Permissions of directories it makes, octal.'),
  fsync: z
    .boolean()
    .default(false)
    .describe('Wait for the disk on every write: survives loss of power, not only of the process.'),
  timeout: duration()
    .prefault('1s')
    .describe('Accepted; a folder that another process uses is refused at once.'),
  recreate: z.boolean().default(false).describe('Accepted; a damaged value is set aside alone.'),
  compaction: accepted(),
});

export type FileStorageConfig = z.output<typeof FileStorageConfig>;
