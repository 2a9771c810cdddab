/**
 * The worker of a page with a part of a learner's own. It is a program of its own: checks and exercises are no burden for a page without them,
 * and code that never comes to an end is ended with its worker.
 */
import { PartSession } from './part-session.js'
import { serve } from './serve.js'

serve(
  (send, sources) =>
    new PartSession(
      progress => send({ progress }),
      sources,
      begins => send({ begins }),
    ),
)
