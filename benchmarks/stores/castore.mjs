// Contestant: Castore with its DynamoDB adapter, used as its documentation says: an aggregate is
// built from all of its events, and a group of events is pushed in one transaction.
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventStore, EventType, isEventAlreadyExistsError } from '@castore/core';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';

const [tableName, endpoint] = process.argv.slice(2);
const dynamoDBClient = new DynamoDBClient({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
});
const eventStorageAdapter = new DynamoDBSingleTableEventStorageAdapter({
  tableName,
  dynamoDBClient,
});

const accounts = new EventStore({
  eventStoreId: 'ACCOUNTS',
  eventTypes: [new EventType({ type: 'OPENED' }), new EventType({ type: 'MOVED' })],
  reducer: (account, event) => {
    const { aggregateId, version } = event;
    const moved = event.type === 'MOVED' ? event.payload.amount : 0;
    return { aggregateId, version, balance: (account?.balance ?? 0) + moved };
  },
  eventStorageAdapter,
});
const transfers = new EventStore({
  eventStoreId: 'TRANSFERS',
  eventTypes: [new EventType({ type: 'MADE' })],
  reducer: (_, { aggregateId, version, payload }) => ({ aggregateId, version, ...payload }),
  eventStorageAdapter,
});

let conflicts = 0;

const moved = (account, amount, transfer) =>
  accounts.groupEvent(
    {
      aggregateId: account.aggregateId,
      version: account.version + 1,
      type: 'MOVED',
      payload: { amount, transfer },
    },
    { prevAggregate: account },
  );

const transferOnce = async (source, target, id) => {
  const [{ aggregate: paying }, { aggregate: paid }] = await Promise.all([
    accounts.getExistingAggregate(source),
    accounts.getExistingAggregate(target),
  ]);
  if (paying.balance < 1) return false;
  await EventStore.pushEventGroup(
    moved(paying, -1, id),
    moved(paid, 1, id),
    transfers.groupEvent({
      aggregateId: id,
      version: 1,
      type: 'MADE',
      payload: { source, target, amount: 1 },
    }),
  );
  return true;
};

const transfer = async (source, target, id) => {
  for (;;) {
    try {
      return await transferOnce(source, target, id);
    } catch (error) {
      if (!isEventAlreadyExistsError(error) && error.name !== 'TransactionCanceledException')
        throw error;
      conflicts += 1;
    }
  }
};

const twoOf = names => {
  const first = Math.floor(Math.random() * names.length);
  const second = (first + 1 + Math.floor(Math.random() * (names.length - 1))) % names.length;
  return [names[first], names[second]];
};

const run = async ({ accounts: names, seconds }) => {
  const lost = conflicts;
  const began = performance.now();
  const milliseconds = [];
  let refused = 0;
  for (let now = began; now < began + seconds * 1000; now = performance.now()) {
    if (await transfer(...twoOf(names), randomUUID())) {
      milliseconds.push(performance.now() - now);
    } else {
      refused += 1;
    }
  }
  return {
    done: milliseconds.length,
    refused,
    conflicts: conflicts - lost,
    seconds: (performance.now() - began) / 1000,
    milliseconds,
  };
};

const template = async () => {
  const aggregateId = 'template';
  await accounts.pushEvent({ aggregateId, version: 1, type: 'OPENED' });
  const payload = { amount: 100, transfer: randomUUID() };
  await accounts.pushEvent({ aggregateId, version: 2, type: 'MOVED', payload });
  return {};
};

const obey = async told => {
  if (told.do === 'template') return template();
  if (told.do === 'keys') return { keys: told.accounts.map(name => `ACCOUNTS#${name}`) };
  return run(told);
};

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(JSON.parse(line)))}\n`);
}
