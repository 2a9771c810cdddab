/** The worker of the page. */
import { serve } from './serve.js'
import { Session } from './session.js'

serve((send, sources) => new Session(progress => send({ progress }), sources))
