/** The health check of a container: exit code 0 while the service in it answers that it lives. */
const port = process.env.ADMIN_PORT ?? '9464';
const answer = await fetch(`http://127.0.0.1:${port}/live`, { signal: AbortSignal.timeout(2_500) }).catch(
  () => undefined,
);
process.exit(answer?.ok ? 0 : 1);
