/** Names that OpenTelemetry's semantic conventions gave one thing over the years, so that a search
 *  can ask for all of them at once: half of a fleet still says `http.status_code` when the other
 *  half says `http.response.status_code`. Asked for as one, a key stands for its whole group, as an
 *  attribute with several values: one is enough.
 *
 *  Only names that mean the same are in a group. `net.peer.name` is not there: it became
 *  `server.address` on clients and `client.address` on servers.
 *  Source: the migration guides of the HTTP, database, RPC, messaging and code conventions. */

import type { Field, Filter } from './ast.ts';

const GROUPS: readonly (readonly [string, ...string[]])[] = [
  ['http.request.method', 'http.method'],
  ['http.response.status_code', 'http.status_code'],
  ['url.full', 'http.url'],
  ['url.scheme', 'http.scheme'],
  ['http.request.body.size', 'http.request_content_length'],
  ['http.response.body.size', 'http.response_content_length'],
  ['http.request.resend_count', 'http.resend_count'],
  ['user_agent.original', 'http.user_agent'],
  ['client.address', 'http.client_ip'],
  ['network.protocol.name', 'net.protocol.name', 'net.app.protocol.name'],
  ['network.protocol.version', 'net.protocol.version', 'net.app.protocol.version', 'http.flavor'],
  ['network.peer.address', 'net.sock.peer.addr', 'net.peer.ip'],
  ['network.peer.port', 'net.sock.peer.port'],
  ['network.local.address', 'net.sock.host.addr', 'net.host.ip'],
  ['network.transport', 'net.transport'],
  ['network.connection.type', 'net.host.connection.type'],
  ['network.connection.subtype', 'net.host.connection.subtype'],
  ['db.system.name', 'db.system'],
  ['db.namespace', 'db.name'],
  ['db.operation.name', 'db.operation'],
  ['db.query.text', 'db.statement'],
  [
    'db.collection.name',
    'db.sql.table',
    'db.mongodb.collection',
    'db.cassandra.table',
    'db.cosmosdb.container',
  ],
  ['db.response.status_code', 'db.cosmosdb.status_code'],
  ['messaging.operation.type', 'messaging.operation'],
  ['messaging.client.id', 'messaging.client_id', 'messaging.kafka.client_id'],
  ['messaging.message.body.size', 'messaging.message.payload_size_bytes'],
  ['messaging.message.id', 'messaging.message_id'],
  ['messaging.message.conversation_id', 'messaging.conversation_id'],
  ['messaging.consumer.group.name', 'messaging.kafka.consumer.group', 'messaging.consumer.group'],
  ['messaging.kafka.offset', 'messaging.kafka.message.offset'],
  ['messaging.destination.partition.id', 'messaging.kafka.destination.partition'],
  ['code.function.name', 'code.function'],
  ['code.file.path', 'code.filepath'],
  ['code.line.number', 'code.lineno'],
  ['code.column.number', 'code.column'],
  ['deployment.environment.name', 'deployment.environment'],
  ['gen_ai.provider.name', 'gen_ai.system'],
  ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
  ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'],
];

const GROUP_OF: ReadonlyMap<string, readonly string[]> = new Map(
  GROUPS.flatMap((group) => group.map((key) => [key, group] as const)),
);

/** All names of what the key names, itself first. */
export function namesOf(key: string): readonly string[] {
  const others = (GROUP_OF.get(key) ?? []).filter((name) => name !== key);
  return [key, ...others];
}

/** The filter in which every attribute may have any of its names. */
export function withAllNames(filter: Filter): Filter {
  switch (filter.op) {
    case 'and':
    case 'or':
      return { op: filter.op, of: filter.of.map(withAllNames) };
    case 'not':
    case 'some':
      return { ...filter, of: withAllNames(filter.of) };
    case 'looseEquals':
      return anyOf(namesOf(filter.key).map((key) => ({ ...filter, key })));
    default:
      return anyOf(fieldsOf(filter.field).map((field) => ({ ...filter, field })));
  }
}

function fieldsOf(field: Field): readonly Field[] {
  if (field.kind !== 'attribute') return [field];
  return namesOf(field.key).map((key) => ({ ...field, key }));
}

function anyOf(filters: readonly Filter[]): Filter {
  const [first] = filters;
  return filters.length === 1 && first !== undefined ? first : { op: 'or', of: filters };
}
