import { spawnSync } from 'node:child_process';

/**
 * `npm run audit`: asks the registry for known holes in what is shipped, and whether packages bear its signature.
 * Where it cannot be asked, that is said, and is no failure; what it finds is one.
 */
const questions = [
  { name: 'known holes', args: ['audit', '--omit=dev'], answered: /found \d+ vulnerabilities|\d+ [a-z ]*vulnerabilit/ },
  { name: 'signatures', args: ['audit', 'signatures'], answered: /audited \d+ package/ },
] as const;

let failed = false;
for (const { name, args, answered } of questions) {
  const all = [...args, '--fetch-retries=0', '--loglevel=notice'];
  const { status, stdout, stderr } = spawnSync('npm', all, { encoding: 'utf8' });
  const said = `${stdout}\n${stderr}`;
  if (!answered.test(said)) {
    const why = said.split('\n').find((line) => /npm (error|warn)/.test(line)) ?? 'npm has said nothing';
    console.log(`${name}: NOT CHECKED, the registry gives no answer: ${why.trim()}`);
    continue;
  }
  console.log(`${name}: ${status === 0 ? 'checked, none bad' : 'BAD'}\n${said.trim()}`);
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
