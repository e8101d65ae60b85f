// SPDX-License-Identifier: MIT
// Redocly's linter without its command line. That has ten times the packages, checks for updates and sends statistics.
//   node lint.js redocly.yaml openapi.yaml
const core = require('@redocly/openapi-core');

async function main([configPath, ref]) {
  const config = await core.loadConfig({ configPath });
  const problems = await core.lint({ ref, config });
  core.formatProblems(problems, { totals: core.getTotals(problems), format: 'stylish', version: 'lint' });
  process.exitCode = problems.length === 0 ? 0 : 1;
}

main(process.argv.slice(2));
