import { Problem } from '@causeway/runtime/service/http-server';
import express, { type Router } from 'express';
import type { Guard } from '../sign-in/guard.ts';

/** What is shown of checkpoints. */
export type Checkpoints = {
  /** Every key that has signed here, one a line. */
  keys(): string;
  sign(text: string): string;
  latest(): string | undefined;
};

/** The key is for everybody; a note says how many decisions each organisation has had, so it is not. */
export function checkpointsApi({ guard, checkpoints }: { guard: Guard; checkpoints: Checkpoints }): Router {
  const router = express.Router();
  router.get('/checkpoints/key', (_req, res) => void res.type('text').send(checkpoints.keys()));
  router.get(
    '/api/checkpoints/latest',
    guard.api((_req, res) => {
      const note = checkpoints.latest();
      if (note === undefined)
        throw new Problem(404, 'no-checkpoint', 'No checkpoint yet', 'One is signed every minute.');
      res.set('cache-control', 'no-store').type('text').send(note);
    }),
  );
  return router;
}
