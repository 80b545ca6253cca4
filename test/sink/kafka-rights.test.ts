import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aclCommands, rightsOf } from '../../src/sink/kafka-rights.ts';

const topics = { 'call-legs': 'l', 'call-records': 'r', 'rejected': 'x', 'offsets': 'o', 'signals': 's' };
const where = { principal: 'User:ada', brokers: ['a:1', 'b:2'] };

test('rights are printed as one command for each resource, and only for topics that are on', () => {
  const add = 'kafka-acls.sh --bootstrap-server a:1,b:2 --add --allow-principal User:ada';
  assert.deepEqual(aclCommands(rightsOf({ connector: '8x8', topics, create: false }), where), [
    `${add} --operation Write --topic l`,
    `${add} --operation Write --topic r`,
    `${add} --operation Write --topic x`,
    `${add} --operation Read --operation Write --operation DescribeConfigs --topic o`,
    `${add} --operation Read --topic s`,
    `${add} --operation Read --group 8x8. --resource-pattern-type prefixed`,
    `${add} --operation Write --transactional-id 8x8. --resource-pattern-type prefixed`,
  ]);
});

test('a connector that creates its topics needs Create on each, and on nothing else', () => {
  const created = rightsOf({ connector: '8x8', topics, create: true })
    .filter(({ operation }) => operation === 'Create');
  assert.deepEqual(created.map(({ resource, name }) => `${resource} ${name}`),
    ['topic l', 'topic r', 'topic x', 'topic o', 'topic s']);
});

test('a principal is one word to a shell, whatever is in it', () => {
  const [line] = aclCommands(rightsOf({ connector: '8x8', topics, create: false }),
    { ...where, principal: `User:CN=O'Neil, OU=a b` });
  assert.ok(line!.includes(` --allow-principal 'User:CN=O'\\''Neil, OU=a b' --operation`), line);
});
